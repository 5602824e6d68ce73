//! How loading and calling end without a result, as messages.

use crate::error::Error;
use crate::isolate::message::Opening;
use crate::isolate::pack::{Malformed, Pack, Unpack};
use crate::library::Fault;

/// Why a library is no plugin: `Error::Load` and `Error::Entry`.
pub(crate) fn pack_refusal(error: &Error) -> Vec<u8> {
    let (tag, text, number) = match error {
        Error::Entry { fault, .. } => match fault {
            Fault::NoEntry { symbol, .. } => (1u8, symbol.clone(), 0),
            Fault::Magic => (2, String::new(), 0),
            Fault::Version { major, minor } => (
                3,
                String::new(),
                u32::from(*major) << 16 | u32::from(*minor),
            ),
            Fault::Short { got } => (4, String::new(), *got),
            Fault::NoFunction(name) => (5, name.to_string(), 0),
            Fault::Text(name) => (6, name.to_string(), 0),
            Fault::Description(why) => (7, why.clone(), 0),
            Fault::PanicAborts => (8, String::new(), 0),
        },
        Error::Load { reason, .. } => (0, reason.clone(), 0),
        other => (0, other.to_string(), 0),
    };
    Pack::default().number(tag).text(&text).number(number).0
}

pub(crate) fn unpack_refusal(bytes: &[u8], opening: &Opening) -> Result<Error, Malformed> {
    let mut unpack = Unpack(bytes);
    let (tag, text, number) = (
        unpack.number::<u8>()?,
        unpack.text()?,
        unpack.number::<u32>()?,
    );
    unpack.end()?;
    let path = opening.path.clone();
    let fault = match tag {
        0 => {
            return Ok(Error::Load {
                id: opening.id.clone(),
                path,
                reason: text,
            });
        }
        1 => Fault::NoEntry { path, symbol: text },
        2 => Fault::Magic,
        3 => Fault::Version {
            major: (number >> 16) as u16,
            minor: number as u16,
        },
        4 => Fault::Short { got: number },
        5 => Fault::NoFunction(text.into()),
        6 => Fault::Text(text.into()),
        7 => Fault::Description(text),
        8 => Fault::PanicAborts,
        _ => return Err(Malformed),
    };
    Ok(fault.of(&opening.id))
}

/// How a call ended that has no result; what only the host can say more of is left to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Params(String),
    Failed(String),
    Unsupported(String),
    HostMismatch,
    Panicked(String),
    Contract(String),
    Cancelled,
    Memory,
}

impl Ending {
    pub(crate) fn of(error: Error) -> Self {
        match error {
            Error::Params { message, .. } => Self::Params(message),
            Error::Failed { message, .. } => Self::Failed(message),
            Error::Unsupported { message, .. } => Self::Unsupported(message),
            Error::HostMismatch { .. } => Self::HostMismatch,
            Error::Panicked { message, .. } => Self::Panicked(message),
            Error::Contract { message, .. } => Self::Contract(message),
            Error::Cancelled => Self::Cancelled,
            Error::Memory { .. } => Self::Memory,
            other => Self::Failed(other.to_string()),
        }
    }

    pub(crate) fn pack(&self) -> Vec<u8> {
        let (tag, text) = match self {
            Self::Params(text) => (0u8, text.as_str()),
            Self::Failed(text) => (1, text.as_str()),
            Self::Unsupported(text) => (2, text.as_str()),
            Self::HostMismatch => (3, ""),
            Self::Panicked(text) => (4, text.as_str()),
            Self::Contract(text) => (5, text.as_str()),
            Self::Cancelled => (6, ""),
            Self::Memory => (7, ""),
        };
        Pack::default().number(tag).text(text).0
    }

    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut unpack = Unpack(bytes);
        let (tag, text) = (unpack.number::<u8>()?, unpack.text()?);
        unpack.end()?;
        Ok(match tag {
            0 => Self::Params(text),
            1 => Self::Failed(text),
            2 => Self::Unsupported(text),
            3 => Self::HostMismatch,
            4 => Self::Panicked(text),
            5 => Self::Contract(text),
            6 => Self::Cancelled,
            7 => Self::Memory,
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolate::message::tests::{only_whole, opening};

    #[test]
    fn every_refusal_reads_the_same_on_the_other_side() {
        let (id, path) = (opening().id, opening().path);
        let fault = |fault: Fault| fault.of("m");
        for error in [
            Error::Load {
                id,
                path: path.clone(),
                reason: "why: because".into(),
            },
            fault(Fault::NoEntry {
                path,
                symbol: "s".into(),
            }),
            fault(Fault::Magic),
            fault(Fault::Version { major: 2, minor: 3 }),
            fault(Fault::Short { got: 16 }),
            fault(Fault::NoFunction("create".into())),
            fault(Fault::Text("id".into())),
            fault(Fault::Description("odd".into())),
            fault(Fault::PanicAborts),
        ] {
            let back = only_whole(&pack_refusal(&error), |b| unpack_refusal(b, &opening()));
            assert_eq!(format!("{back:?}"), format!("{error:?}"));
        }
    }

    #[test]
    fn endings_come_back() {
        let why = || "why".to_owned();
        for ending in [
            Ending::Params(why()),
            Ending::Failed(why()),
            Ending::Unsupported(why()),
            Ending::HostMismatch,
            Ending::Panicked(why()),
            Ending::Contract(why()),
            Ending::Cancelled,
            Ending::Memory,
        ] {
            assert_eq!(only_whole(&ending.pack(), Ending::unpack), ending);
        }
    }
}
