//! Frames on the pipe between the host and the process of an isolated plugin.
//!
//! A frame is a tag of four bytes (kind, `EOS`), its length as `u64`, and as many bytes. Numbers
//! have the machine's own order: both ends are on it. No length is believed before the bytes have
//! come, and no frame is taken that is longer than whoever waits for it expects.

use std::io::{ErrorKind, Read, Write};

/// Version of the frames and of what is in them.
pub(crate) const VERSION: u32 = 2;
/// Bytes that are waited for, and made room for, at once.
const STEP: usize = 1 << 20;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// From the child, first of all: version of the pipe and of the program.
    Hello = 1,
    /// To the child: which library to load.
    Open,
    /// From the child: what the library says about itself.
    Described,
    /// From the child: why it is no plugin.
    Refused,
    /// To the child: the data and what is wanted; from then on it is the plugin's turn.
    Call,
    /// From the child: a question for neighbours.
    Neighbours,
    /// To the child: the answer.
    Found,
    /// To the child: there is no answer, and the call is over.
    Failed,
    /// From the child: news of progress, and a question whether to stop.
    Progress,
    /// To the child: go on.
    GoOn,
    /// To the child: stop.
    Stop,
    /// From the child: a line of the plugin's.
    Log,
    /// From the child: what the plugin says that it trained.
    Trained,
    /// From the child: the result.
    Written,
    /// From the child: why there is none.
    Ended,
}

const KINDS: [Kind; 15] = [
    Kind::Hello,
    Kind::Open,
    Kind::Described,
    Kind::Refused,
    Kind::Call,
    Kind::Neighbours,
    Kind::Found,
    Kind::Failed,
    Kind::Progress,
    Kind::GoOn,
    Kind::Stop,
    Kind::Log,
    Kind::Trained,
    Kind::Written,
    Kind::Ended,
];

/// One message.
#[derive(Debug)]
pub(crate) struct Frame {
    pub kind: Kind,
    pub body: Vec<u8>,
}

/// Why no frame came or went.
#[derive(Debug)]
pub(crate) enum Lost<E> {
    /// The other end is gone.
    Closed,
    /// What came is no frame.
    Garbage(String),
    /// Whoever waited has had enough.
    Stopped(E),
}

/// Sends a frame made of `pieces`. `wait` is called when the other end does not take it yet.
pub(crate) fn send<E>(
    pipe: &mut impl Write,
    kind: Kind,
    pieces: &[&[u8]],
    wait: &mut dyn FnMut() -> Result<(), E>,
) -> Result<(), Lost<E>> {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut head = [0; 12];
    head[..4].copy_from_slice(&[kind as u8, b'E', b'O', b'S']);
    head[4..].copy_from_slice(&(len as u64).to_ne_bytes());
    for piece in [&head[..]].iter().chain(pieces) {
        let mut rest = *piece;
        while !rest.is_empty() {
            match pipe.write(rest) {
                Ok(0) => return Err(Lost::Closed),
                Ok(sent) => rest = &rest[sent..],
                Err(error) => waiting(error.kind(), wait)?,
            }
        }
    }
    Ok(())
}

/// Takes a frame of at most `longest` bytes. `wait` is called when nothing has come yet.
pub(crate) fn receive<E>(
    pipe: &mut impl Read,
    longest: u64,
    wait: &mut dyn FnMut() -> Result<(), E>,
) -> Result<Frame, Lost<E>> {
    let mut head = [0; 12];
    fill(pipe, &mut head, wait)?;
    let known = KINDS.iter().find(|kind| **kind as u8 == head[0]);
    let Some(&kind) = known.filter(|_| head[1..4] == *b"EOS") else {
        return Err(Lost::Garbage(format!("{:?}", &head[..4])));
    };
    let len = u64::from_ne_bytes(head[4..].try_into().expect("eight bytes are left"));
    if len > longest {
        let said = format!("{kind:?} of {len} bytes, where {longest} are the most");
        return Err(Lost::Garbage(said));
    }
    let (len, mut body) = (len as usize, Vec::new());
    while body.len() < len {
        let (from, step) = (body.len(), STEP.min(len - body.len()));
        if body.try_reserve(step).is_err() {
            return Err(Lost::Garbage(format!(
                "{len} bytes, more than memory holds"
            )));
        }
        body.resize(from + step, 0);
        fill(pipe, &mut body[from..], wait)?;
    }
    Ok(Frame { kind, body })
}

fn fill<E>(
    pipe: &mut impl Read,
    mut room: &mut [u8],
    wait: &mut dyn FnMut() -> Result<(), E>,
) -> Result<(), Lost<E>> {
    while !room.is_empty() {
        match pipe.read(room) {
            Ok(0) => return Err(Lost::Closed),
            Ok(got) => room = &mut room[got..],
            Err(error) => waiting(error.kind(), wait)?,
        }
    }
    Ok(())
}

fn waiting<E>(kind: ErrorKind, wait: &mut dyn FnMut() -> Result<(), E>) -> Result<(), Lost<E>> {
    match kind {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => wait().map_err(Lost::Stopped),
        ErrorKind::Interrupted => Ok(()),
        _ => Err(Lost::Closed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> Result<(), ()> {
        Ok(())
    }

    fn sent(kind: Kind, pieces: &[&[u8]]) -> Vec<u8> {
        let mut pipe = Vec::new();
        send(&mut pipe, kind, pieces, &mut never).unwrap();
        pipe
    }

    #[test]
    fn what_is_sent_in_pieces_is_received_whole() {
        for kind in KINDS {
            let bytes = sent(kind, &[b"one", b"", b"two"]);
            let frame = receive(&mut &bytes[..], 6, &mut never).unwrap();
            assert_eq!((frame.kind, &frame.body[..]), (kind, &b"onetwo"[..]));
        }
    }

    #[test]
    fn what_is_cut_off_too_long_or_no_frame_is_not_taken() {
        let bytes = sent(Kind::Log, &[b"line"]);
        for end in 0..bytes.len() {
            let lost = receive(&mut &bytes[..end], 99, &mut never).unwrap_err();
            assert!(matches!(lost, Lost::Closed), "{end}: {lost:?}");
        }
        let said = |bytes: &[u8], longest| match receive(&mut &bytes[..], longest, &mut never) {
            Err(Lost::Garbage(said)) => said,
            other => panic!("{other:?}"),
        };
        assert_eq!(said(&bytes, 3), "Log of 4 bytes, where 3 are the most");
        assert_eq!(said(b"hello, world", 99), "[104, 101, 108, 108]");
        let mut other = bytes;
        other[0] = 16;
        assert_eq!(said(&other, 99), "[16, 69, 79, 83]");
    }

    #[test]
    fn a_length_that_is_only_claimed_takes_no_memory() {
        let mut bytes = sent(Kind::Written, &[]);
        bytes[4..].copy_from_slice(&(1u64 << 60).to_ne_bytes());
        let lost = receive(&mut &bytes[..], u64::MAX, &mut never).unwrap_err();
        assert!(matches!(lost, Lost::Closed), "{lost:?}");
    }
}
