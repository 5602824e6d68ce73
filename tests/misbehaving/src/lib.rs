//! A plugin that breaks, on request, every promise of the boundary that the SDK lets it break.
//! What only raw tables can do wrong is tested in `eos-registry`.

use eos_plugin::{
    Classes, Dataset, Error, Host, Oversampler, Recipe, Sink, choice, export_oversampler, params,
};
use std::time::Duration;

choice! {
    /// What to do wrong.
    pub enum How {
        /// Nothing: the first row of each class, repeated.
        Nothing = "nothing",
        /// Panic while an instance is made.
        PanicInNew = "panic-in-new",
        /// Panic in the middle of the work.
        Panic = "panic",
        /// Panic on a thread that the host allows.
        PanicInThread = "panic-in-thread",
        /// Panic when the instance goes.
        PanicInDrop = "panic-in-drop",
        /// Return an error.
        Fail = "fail",
        /// Push a row too few.
        TooFew = "too-few",
        /// Push rows until the sink refuses.
        TooMany = "too-many",
        /// Push the right number of rows, of other classes than wanted.
        OtherClass = "other-class",
        /// A label that is no class.
        Label = "label",
        /// A base that is no row.
        Base = "base",
        /// A base of another class.
        BaseClass = "base-class",
        /// A `from` that is no row.
        From = "from",
        /// A `to` that is no row.
        To = "to",
        /// A ratio that is not a number.
        Ratio = "ratio",
        /// A ratio that no f32 row survives.
        HugeRatio = "huge-ratio",
        /// Ask for the neighbours of a row that is not there.
        Query = "query",
        /// Work for ever, but ask whether to stop.
        Endless = "endless",
        /// Say it was cancelled though nobody asked.
        Cancelled = "cancelled",
        /// Work for ever, and never ask.
        Spin = "spin",
        /// Read what nobody may.
        Segfault = "segfault",
        /// Use up the stack.
        Overflow = "overflow",
        /// End the process.
        Exit = "exit",
        /// End the process, and not nicely.
        Abort = "abort",
    }
}

params! {
    /// Parameters of [`Misbehaving`].
    pub struct Params {
        how: choice(How) = "nothing", "what to do wrong";
    }
}

/// The method.
#[derive(Debug)]
pub struct Misbehaving(How);

impl Drop for Misbehaving {
    fn drop(&mut self) {
        if matches!(self.0, How::PanicInDrop) {
            panic!("not going quietly");
        }
    }
}

impl Oversampler for Misbehaving {
    const ID: &'static str = "misbehaving";
    const SUMMARY: &'static str = "breaks its contract on request";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        if matches!(params.how, How::PanicInNew) {
            panic!("no such mood");
        }
        Ok(Self(params.how))
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        match self.0 {
            How::Panic => panic!("index out of luck"),
            How::Fail => return Err(Error::failed("the stars are wrong")),
            How::PanicInThread => {
                host.parallel(64, |i| if i < 40 { Ok(i) } else { panic!("item {i}") })?;
            }
            How::Query => {
                host.neighbours(&[data.len() as u32], 1, Classes::Any)?;
            }
            How::Endless => loop {
                host.check()?;
                std::thread::sleep(Duration::from_millis(1));
            },
            How::Cancelled => return Err(Error::Cancelled),
            How::Spin => loop {
                std::hint::spin_loop();
            },
            // SAFETY: there is none; a segmentation fault is what is asked for.
            How::Segfault => unsafe {
                std::hint::black_box(std::ptr::null::<u64>().wrapping_add(1)).read_volatile();
            },
            How::Overflow => {
                overflow(data.len());
            }
            How::Exit => std::process::exit(0),
            How::Abort => std::process::abort(),
            _ => {}
        }
        self.push(data, out)
    }
}

impl Misbehaving {
    fn push(&self, data: &Dataset<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        let beyond = data.len() as u32 + 59;
        while out.room() > 0 || matches!(self.0, How::TooMany) {
            let pushed: u64 = data.wanted().iter().sum::<u64>() - out.room();
            let label = class_of(data.wanted(), pushed);
            let base = members.of(label)[0];
            let good = Recipe {
                label,
                base,
                from: base,
                to: base,
                ratio: 0.5,
            };
            let other = (label + 1) % data.classes() as u32;
            let last = out.room() == 1;
            out.push(match self.0 {
                How::TooFew if last => return Ok(()),
                How::OtherClass if last => Recipe {
                    label: other,
                    base: members.of(other)[0],
                    ..good
                },
                How::Label if last => Recipe {
                    label: data.classes() as u32,
                    ..good
                },
                How::Base if last => Recipe {
                    base: beyond,
                    ..good
                },
                How::BaseClass if last => Recipe {
                    base: members.of(other)[0],
                    ..good
                },
                How::From if last => Recipe {
                    from: beyond,
                    ..good
                },
                How::To if last => Recipe { to: beyond, ..good },
                How::Ratio if last => Recipe {
                    ratio: f32::NAN,
                    ..good
                },
                How::HugeRatio if last => Recipe {
                    to: members.of(other)[0],
                    ratio: f32::MAX,
                    ..good
                },
                _ => good,
            })?;
        }
        Ok(())
    }
}

/// Goes deeper than any stack.
fn overflow(depth: usize) -> usize {
    let frame = std::hint::black_box([depth; 512]);
    match frame[depth % 512] {
        usize::MAX => 0,
        depth => overflow(depth + 1) + frame[0],
    }
}

/// The class of row number `row`, where rows come class by class; the last one beyond all.
fn class_of(wanted: &[u64], row: u64) -> u32 {
    let mut sum = 0;
    let found = wanted.iter().position(|w| {
        sum += w;
        row < sum
    });
    found.unwrap_or(wanted.len() - 1) as u32
}

export_oversampler!(Misbehaving);
