//! The SDK against a host made of raw tables.

use eos_plugin::abi::{self, Entry, Header, Instance, Output, Recipe, Status, Str};
use eos_plugin::{
    Classes, Dataset, Error, Host, Mode, Oversampler, Sample, Sink, choice, entry, params,
};
use std::collections::HashSet;
use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What the host's functions see and keep.
#[derive(Default)]
struct Said {
    error: Mutex<String>,
    notes: Mutex<Vec<String>>,
    /// Calls of progress that are answered with "go on".
    patience: AtomicUsize,
    offers: bool,
}

unsafe fn said<'a>(ctx: *mut c_void) -> &'a Said {
    // SAFETY: the context of a table that `Call::run` made, during its call.
    unsafe { &*ctx.cast::<Said>() }
}

unsafe extern "C" fn set_error(ctx: *mut c_void, message: Str) {
    // SAFETY: as `said`; the text is borrowed for this call.
    unsafe { *said(ctx).error.lock().unwrap() = message.as_str().unwrap().to_owned() };
}

unsafe extern "C" fn log(ctx: *mut c_void, level: u32, line: Str) {
    // SAFETY: as `said`; the text is borrowed for this call.
    let (said, line) = unsafe { (said(ctx), line.as_str().unwrap()) };
    said.notes.lock().unwrap().push(format!("{level} {line}"));
}

unsafe extern "C" fn progress(ctx: *mut c_void, _: u64, _: u64) -> i32 {
    // SAFETY: as `said`.
    let patience = unsafe { &said(ctx).patience };
    let left = patience.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
    i32::from(left.is_err())
}

unsafe extern "C" fn block(_: *mut c_void, index: u64, stream: u32, block: u32, out: *mut u32) {
    // SAFETY: the SDK gives room for four words.
    unsafe { out.copy_from([index as u32, stream, block, 7].as_ptr(), 4) };
}

unsafe extern "C" fn service(ctx: *mut c_void, name: Str) -> *const c_void {
    static RNG: Shared = Shared(abi::Rng {
        header: Header::of::<abi::Rng>(),
        ctx: ptr::null_mut(),
        block: Some(block),
    });
    // SAFETY: as `said`; the text is borrowed for this call.
    let (said, name) = unsafe { (said(ctx), name.as_str()) };
    if said.offers && name == Some(abi::RNG_SERVICE) {
        return ptr::from_ref(&RNG.0).cast();
    }
    ptr::null()
}

/// A table without a context.
struct Shared(abi::Rng);
// SAFETY: its context is null and its function touches nothing shared.
unsafe impl Sync for Shared {}

/// One call of an entry, with everything as usual.
struct Call {
    threads: u32,
    patience: usize,
    offers: bool,
    params: &'static str,
    host: fn(&mut abi::Host),
}

const USUAL: Call = Call {
    threads: 4,
    patience: usize::MAX,
    offers: true,
    params: "",
    host: |_| {},
};

/// Three rows of two classes; class 1 wants four.
const LABELS: [u32; 3] = [0, 1, 1];
const ROWS: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
const WANTED: [u64; 2] = [0, 4];

#[derive(Debug, PartialEq)]
struct Ended {
    status: Status,
    error: String,
    notes: Vec<String>,
    recipes: Vec<Recipe>,
}

impl Call {
    fn run(&self, entry: &Entry) -> Ended {
        let patience = AtomicUsize::new(self.patience);
        let said = Said {
            patience,
            offers: self.offers,
            ..Said::default()
        };
        let mut host = abi::Host {
            header: Header::of::<abi::Host>(),
            ctx: ptr::from_ref(&said).cast_mut().cast(),
            set_error: Some(set_error),
            log: Some(log),
            progress: Some(progress),
            service: Some(service),
            threads: self.threads,
            reserved: 0,
        };
        (self.host)(&mut host);
        let mut recipes = Vec::with_capacity(4);
        let status = self.call(entry, &host, &mut recipes);
        Ended {
            status,
            error: said.error.into_inner().unwrap(),
            notes: said.notes.into_inner().unwrap(),
            recipes,
        }
    }

    fn call(&self, entry: &Entry, host: &abi::Host, recipes: &mut Vec<Recipe>) -> Status {
        let mut instance: *mut Instance = ptr::null_mut();
        // SAFETY: host and text outlive the call, and there is room for one pointer.
        let status = unsafe { entry.create.unwrap()(host, Str::new(self.params), &mut instance) };
        if status != abi::OK {
            return status;
        }
        let data = abi::Dataset {
            header: Header::of::<abi::Dataset>(),
            len: 3,
            dims: 2,
            classes: 2,
            reserved: 0,
            rows: ROWS.as_ptr(),
            labels: LABELS.as_ptr(),
            wanted: WANTED.as_ptr(),
            seed: 5,
        };
        let mut out = Output {
            header: Header::of::<Output>(),
            capacity: 4,
            written: 0,
            recipes: recipes.as_mut_ptr(),
            labels: ptr::null_mut(),
            rows: ptr::null_mut(),
        };
        // SAFETY: tables and columns outlive the call; the instance goes after it.
        unsafe {
            let status = entry.sample.unwrap()(host, instance, &data, &mut out);
            entry.destroy.unwrap()(instance);
            recipes.set_len(out.written as usize);
            status
        }
    }
}

choice! {
    /// What [`Method`] does.
    pub enum What {
        /// Work, in parallel.
        Work = "work",
        /// Fail at items 40 and up.
        Fail = "fail",
        /// Panic at items 40 and up.
        Panic = "panic",
        /// Work without end at items that helpers take.
        HelpersLinger = "helpers-linger",
        /// Work without end at every item.
        Linger = "linger",
        /// Panic in the call itself.
        PanicHere = "panic-here",
        /// Push a row though it makes recipes.
        Row = "row",
        /// Ask for neighbours.
        Ask = "ask",
        /// Draw samples in parallel, from further words.
        Samples = "samples",
        /// Draw one sample more than there is room for.
        Surplus = "surplus",
    }
}

params! {
    /// Parameters of [`Method`].
    pub struct Params {
        what: choice(What) = "work", "what to do";
    }
}

struct Method(What);

impl Oversampler for Method {
    const ID: &'static str = "method";
    const SUMMARY: &'static str = "does what it is told";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        Ok(Self(params.what))
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let rng = host.rng()?;
        let item = |i: usize| match self.0 {
            What::Fail if i >= 40 => Err(Error::failed(format_args!("item {i}"))),
            What::Panic if i >= 40 => panic!("item {i}"),
            _ => Ok((rng.draw(1, i as u64).words[0], thread::current().id())),
        };
        match self.0 {
            What::PanicHere => panic!("here"),
            What::Row => return out.push_row(1, data.row(0)),
            What::Ask => return host.neighbours(&[0], 1, Classes::Any).map(|_| ()),
            What::Linger => return linger(host, true),
            What::HelpersLinger => return linger(host, false),
            What::Samples => return out.draw_parallel(host, 1, 4, |sample| further(&sample)),
            What::Surplus => return out.draw_parallel(host, 1, 5, |sample| further(&sample)),
            _ => {}
        }
        let done = host.parallel(1000, item)?;
        assert!(
            done.iter()
                .enumerate()
                .all(|(i, (word, _))| *word == i as u32)
        );
        let threads: HashSet<_> = done.iter().map(|(_, id)| id).collect();
        assert!(threads.len() <= host.threads());
        host.warn("done");
        // This host does not offer the service.
        host.trained(1, 2);
        out.draw(host, 1, 4, |draw| {
            let [index, stream, block, _] = draw.words;
            Recipe {
                label: stream,
                base: index,
                from: block,
                to: 2,
                ratio: 0.5,
            }
        })
    }
}

/// Items without end on helpers, and on the called thread too where `everywhere`.
fn linger(host: &Host<'_>, everywhere: bool) -> Result<(), Error> {
    let (called, helped) = (thread::current().id(), AtomicUsize::new(0));
    let done = host.parallel_polled(100, |_, poll| {
        let helper = thread::current().id() != called;
        helped.fetch_max(usize::from(helper), Ordering::SeqCst);
        while everywhere || helper || helped.load(Ordering::SeqCst) == 0 {
            poll.check()?;
            thread::yield_now();
        }
        Ok(())
    });
    done.map(|_| ())
}

/// A recipe of the words of block 3 and of the seventh word from block 5 on.
fn further(sample: &Sample<'_>) -> Recipe {
    let [index, stream, block, _] = sample.block(3);
    assert_eq!(sample.index(), u64::from(index));
    Recipe {
        label: stream,
        base: index,
        from: block,
        to: sample.words(5).nth(6).unwrap(),
        ratio: 0.5,
    }
}

static METHOD: Entry = entry::<Method>("1.2.3", false);

#[test]
fn an_entry_says_what_the_plugin_is() {
    // SAFETY: the texts of a static entry are constant.
    let texts = unsafe { [METHOD.id, METHOD.version, METHOD.summary].map(|s| s.as_str().unwrap()) };
    assert_eq!(texts, ["method", "1.2.3", "does what it is told"]);
    assert_eq!((METHOD.flags, METHOD.header), (0, Header::of::<Entry>()));
    assert_eq!(entry::<Method>("1.2.3", true).flags, abi::PANIC_ABORTS);

    struct Rows;
    impl Oversampler for Rows {
        const ID: &'static str = "rows";
        const SUMMARY: &'static str = "";
        const MODE: Mode = Mode::Rows;
        type Params = ();
        fn new((): ()) -> Result<Self, Error> {
            Ok(Self)
        }
        fn sample(&self, _: &Dataset<'_>, _: &Host<'_>, _: &mut Sink<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    assert_eq!(entry::<Rows>("0", false).flags, abi::MAKES_ROWS);
}

#[test]
fn threads_change_nothing_but_the_time() {
    let run = |threads| Call { threads, ..USUAL }.run(&METHOD);
    let one = run(1);
    let recipe = |base| Recipe {
        label: 1,
        base,
        from: 0,
        to: 2,
        ratio: 0.5,
    };
    assert_eq!(one.recipes, [recipe(0), recipe(1), recipe(2), recipe(3)]);
    assert_eq!(
        (one.status, &one.notes[..]),
        (abi::OK, &["2 done".to_owned()][..])
    );
    for threads in [0, 2, 8] {
        assert_eq!(run(threads), one);
    }
}

#[test]
fn samples_drawn_in_parallel_come_in_order_and_read_the_words_they_name() {
    for threads in [1, 8] {
        let params = "what = \"samples\"";
        let ended = Call {
            threads,
            params,
            ..USUAL
        }
        .run(&METHOD);
        // The host's words are index, stream, block and 7; word 6 from block 5 is word 2 of block 6.
        let recipe = |base| Recipe {
            label: 1,
            base,
            from: 3,
            to: 6,
            ratio: 0.5,
        };
        assert_eq!(ended.recipes, [0, 1, 2, 3].map(recipe));
        let params = "what = \"surplus\"";
        let ended = Call {
            threads,
            params,
            ..USUAL
        }
        .run(&METHOD);
        let said = "pushed more than the 4 rows wanted";
        assert_eq!((ended.status, ended.error.as_str()), (abi::FAILED, said));
        let stopped = Call {
            params: "what = \"samples\"",
            patience: 0,
            ..USUAL
        }
        .run(&METHOD);
        assert_eq!(stopped.status, abi::CANCELLED);
    }
}

#[test]
fn the_lowest_item_that_failed_is_the_one_that_is_told() {
    for threads in [1, 8] {
        for _ in 0..20 {
            let fail = Call {
                threads,
                params: "what = \"fail\"",
                ..USUAL
            }
            .run(&METHOD);
            assert_eq!((fail.status, fail.error.as_str()), (abi::FAILED, "item 40"));
            let panic = Call {
                threads,
                params: "what = \"panic\"",
                ..USUAL
            }
            .run(&METHOD);
            assert_eq!(panic.status, abi::PANICKED);
            assert!(panic.error.starts_with("item 40 (") && panic.error.contains("sdk.rs:"));
        }
    }
}

#[test]
fn every_end_has_its_status_and_its_message() {
    let check = |params, offers, patience, status, error: &str| {
        let ended = Call {
            params,
            offers,
            patience,
            ..USUAL
        }
        .run(&METHOD);
        assert_eq!((ended.status, ended.error.as_str()), (status, error));
    };
    let max = usize::MAX;
    check(
        "k = 1",
        true,
        max,
        abi::BAD_PARAMS,
        "unknown parameter 'k'; it takes: what",
    );
    check(
        "what = 1",
        true,
        max,
        abi::BAD_PARAMS,
        "parameter 'what' is 1; it is text",
    );
    check(
        "",
        false,
        max,
        abi::UNSUPPORTED,
        "this host does not offer eos.rng/1",
    );
    check(
        "what = \"ask\"",
        true,
        max,
        abi::UNSUPPORTED,
        "this host does not offer eos.knn/1",
    );
    check(
        "what = \"row\"",
        true,
        max,
        abi::FAILED,
        "pushed Rows, its MODE is Recipes",
    );
    check("", true, 0, abi::CANCELLED, "cancelled");
    for without_end in ["what = \"linger\"", "what = \"helpers-linger\""] {
        check(without_end, true, 3, abi::CANCELLED, "cancelled");
    }
    let here = Call {
        params: "what = \"panic-here\"",
        ..USUAL
    }
    .run(&METHOD);
    assert_eq!(here.status, abi::PANICKED);
    assert!(here.error.starts_with("here ("), "{}", here.error);
}

#[test]
fn a_host_of_another_version_is_not_talked_to() {
    for spoil in [
        |h: &mut abi::Host| h.header.major = 2,
        |h: &mut abi::Host| h.header.magic = 0,
        |h: &mut abi::Host| h.header.size = 40,
        |h: &mut abi::Host| h.progress = None,
    ] {
        let ended = Call {
            host: spoil,
            ..USUAL
        }
        .run(&METHOD);
        assert_eq!(
            (ended.status, ended.error.as_str()),
            (abi::HOST_MISMATCH, "")
        );
    }
    let later = |h: &mut abi::Host| (h.header.minor, h.header.size) = (9, 640);
    assert_eq!(
        Call {
            host: later,
            ..USUAL
        }
        .run(&METHOD)
        .status,
        abi::OK
    );
}
