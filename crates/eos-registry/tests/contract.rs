//! Plugins of raw tables that do what the SDK keeps plugins from doing. Each is named and refused.

mod common;

use common::{Call, call};
use eos_plugin::abi::{self, Entry, Header, Instance, Recipe, Status, Str};
use eos_registry::{Plugin, Request, Services};
use eos_tensor::{Backend, Classes, Error, Neighbours, Rows};
use std::panic::AssertUnwindSafe;

type Sample = abi::SampleFn;

unsafe extern "C" fn create(_: *const abi::Host, _: Str, _: *mut *mut Instance) -> Status {
    abi::OK
}

unsafe extern "C" fn destroy(_: *mut Instance) {}

/// An entry whose `sample` is the one given, with flags.
fn raw(sample: Sample, flags: u64) -> Plugin {
    let entry = Entry {
        header: Header::of::<Entry>(),
        id: Str::new("raw"),
        version: Str::new("0"),
        summary: Str::new(""),
        params: Str::new(""),
        flags,
        create: Some(create),
        sample: Some(sample),
        destroy: Some(destroy),
    };
    Plugin::from_entry(Box::leak(Box::new(entry))).expect("the entry fits")
}

fn usual() -> Call {
    call(&[0, 3], "")
}

/// A good recipe of the usual data: row 0 is of class 1.
const GOOD: Recipe = Recipe {
    label: 1,
    base: 0,
    from: 0,
    to: 4,
    ratio: 0.5,
};

/// Writes `n` good recipes, and `extra` beyond what it then says.
unsafe fn write(out: *mut abi::Output, n: u64, extra: usize) {
    // SAFETY: the host's output has room for three recipes; what is beyond them is the point.
    unsafe {
        for i in 0..n as usize + extra {
            (*out).recipes.add(i).write(GOOD);
        }
        (*out).written = n;
    }
}

macro_rules! sampler {
    ($name:ident |$host:ident, $data:ident, $out:ident| $body:block) => {
        unsafe extern "C" fn $name(
            $host: *const abi::Host,
            _: *const Instance,
            $data: *const abi::Dataset,
            $out: *mut abi::Output,
        ) -> Status {
            let _ = ($host, $data, $out);
            $body
        }
    };
}

sampler!(
    good | host,
    data,
    out | {
        // SAFETY: as `write` says.
        unsafe { write(out, 3, 0) };
        abi::OK
    }
);
sampler!(
    beyond | host,
    data,
    out | {
        // SAFETY: writes into the host's guard, on purpose.
        unsafe { write(out, 3, 1) };
        abi::OK
    }
);
sampler!(
    claims | host,
    data,
    out | {
        // SAFETY: the host's output; the number is a lie.
        unsafe { (*out).written = u64::MAX };
        abi::OK
    }
);
sampler!(
    lazy | host,
    data,
    out | {
        // SAFETY: the host's output; nothing was written.
        unsafe { (*out).written = 3 };
        abi::OK
    }
);
sampler!(odd_status | host, data, out | { 77 });
sampler!(mismatch | host, data, out | { abi::HOST_MISMATCH });
sampler!(
    threaded | host,
    data,
    out | {
        let host = host as usize;
        let stop = std::thread::spawn(move || {
            let host = host as *const abi::Host;
            // SAFETY: the call still runs, for the thread is joined; the thread is the wrong one.
            unsafe { ((*host).progress.unwrap())((*host).ctx, 1, 2) }
        });
        assert_ne!(stop.join().unwrap(), 0);
        // SAFETY: as `write` says.
        unsafe { write(out, 3, 0) };
        abi::OK
    }
);
sampler!(
    polite | host,
    data,
    out | {
        // SAFETY: the host's function with its context.
        let stop = unsafe { ((*host).progress.unwrap())((*host).ctx, 1, 2) };
        // SAFETY: as `write` says.
        unsafe { write(out, 3, 0) };
        if stop != 0 { abi::CANCELLED } else { abi::OK }
    }
);
sampler!(
    bad_query | host,
    data,
    out | {
        // SAFETY: the host's functions with their context, and room for what it writes.
        unsafe {
            let knn = ((*host).service.unwrap())((*host).ctx, Str::new(abi::KNN_SERVICE));
            let knn = &*knn.cast::<abi::Knn>();
            let (mut index, mut distance) = ([0; 2], [0.0; 2]);
            let (index, distance) = (index.as_mut_ptr(), distance.as_mut_ptr());
            let query = [(*data).len as u32];
            (knn.neighbours.unwrap())(
                knn.ctx,
                query.as_ptr(),
                1,
                2,
                abi::ANY_CLASS,
                index,
                distance,
            );
            write(out, 3, 0);
        }
        abi::OK
    }
);
sampler!(
    asks | host,
    data,
    out | {
        // SAFETY: the host's functions with their context, and room for what it writes.
        unsafe {
            let knn = ((*host).service.unwrap())((*host).ctx, Str::new(abi::KNN_SERVICE));
            let knn = &*knn.cast::<abi::Knn>();
            let (mut index, mut distance) = ([0; 2], [0.0; 2]);
            let (index, distance) = (index.as_mut_ptr(), distance.as_mut_ptr());
            let call = knn.neighbours.unwrap();
            write(out, 3, 0);
            call(knn.ctx, [0].as_ptr(), 1, 2, abi::ANY_CLASS, index, distance)
        }
    }
);

#[test]
fn what_the_tables_allow_and_the_contract_does_not_is_refused() {
    for (sample, said) in [
        (
            beyond as Sample,
            "broke its contract: it wrote beyond the end of 'recipes', which has room for 3 rows",
        ),
        (
            claims,
            "broke its contract: it says it wrote 18446744073709551615 rows into room for 3",
        ),
        (
            lazy,
            "broke its contract: it says it wrote row 0, and did not",
        ),
        (odd_status, "failed: status 77, without a word"),
        (
            mismatch,
            "was built for plugin ABI 1.0, and does not take this host's 1.0; rebuild it against \
             the eos-plugin of this version of eos",
        ),
        (
            threaded,
            "broke its contract: it called progress from a thread of its own",
        ),
        (
            bad_query,
            "broke its contract: it asked eos.knn/1 for the neighbours of row 40, the data has 40",
        ),
    ] {
        assert_eq!(
            usual().refusal(&raw(sample, 0)),
            format!("plugin 'raw' {said}")
        );
    }
    let made = usual().run(&raw(good, 0)).unwrap();
    assert_eq!(
        (made.labels, made.recipe.map(|r| r.len())),
        (vec![1; 3], Some(3))
    );
}

#[test]
fn a_panic_of_the_callers_own_progress_goes_on_through_the_plugin() {
    let plugin = raw(polite, 0);
    let call = usual();
    let run = AssertUnwindSafe(|| call.run_while(&plugin, |_, _| panic!("full disk")));
    let payload = std::panic::catch_unwind(run).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"full disk"));
}

#[test]
fn a_plugin_that_was_stopped_returns_nothing() {
    let plugin = raw(polite, 0);
    let stopped = usual().run_while(&plugin, |_, _| false).unwrap_err();
    assert_eq!(stopped.to_string(), "cancelled");
    // One that was asked to stop and finished all the same is cancelled as well.
    sampler!(
        deaf | host,
        data,
        out | {
            // SAFETY: the host's function with its context; then as `write` says.
            unsafe {
                ((*host).progress.unwrap())((*host).ctx, 1, 2);
                write(out, 3, 0);
            }
            abi::OK
        }
    );
    let stopped = usual().run_while(&raw(deaf, 0), |_, _| false).unwrap_err();
    assert_eq!(stopped.to_string(), "cancelled");
}

/// A device that fails.
struct Broken;

impl Backend for Broken {
    fn name(&self) -> &str {
        "broken:0"
    }

    fn neighbours(
        &self,
        _: Rows<'_>,
        _: &[u32],
        _: &[u32],
        _: usize,
        _: Classes,
    ) -> Result<Neighbours, Error> {
        Err(Error::ZeroK)
    }

    fn interpolate(
        &self,
        _: Rows<'_>,
        _: &[eos_tensor::Recipe],
        _: &mut [f32],
    ) -> Result<(), Error> {
        Err(Error::ZeroK)
    }
}

#[test]
fn a_failure_of_the_device_is_not_blamed_on_the_plugin() {
    let (call, params) = (usual(), toml::Table::new());
    let request = Request {
        rows: Rows::new(&call.data.rows, 2).unwrap(),
        labels: &call.data.labels,
        wanted: &call.wanted,
        seed: 0,
        params: &params,
    };
    // `asks` fails on the service's failure, `good` needs the device for its rows.
    for sample in [asks as Sample, good] {
        let progress = &mut |_, _| true;
        let services = &mut Services {
            backend: &Broken,
            threads: 1,
            progress,
        };
        let said = raw(sample, 0)
            .sample(&request, services)
            .unwrap_err()
            .to_string();
        assert_eq!(
            said,
            "plugin 'raw': the backend 'broken:0' failed: k is 0; ask for at least one neighbour"
        );
    }
}

/// Rows mode: writes rows of these labels, all of whose values are `value`.
unsafe fn write_rows(out: *mut abi::Output, labels: &[u32], value: f32) {
    // SAFETY: the host's output has room for as many rows of two values.
    unsafe {
        for (i, &label) in labels.iter().enumerate() {
            (*out).labels.add(i).write(label);
            (*out).rows.add(2 * i).write(i as f32);
            (*out).rows.add(2 * i + 1).write(value);
        }
        (*out).written = labels.len() as u64;
    }
}

#[test]
fn rows_of_a_plugin_that_makes_them_are_checked_and_put_class_by_class() {
    sampler!(
        mixed | host,
        data,
        out | {
            // SAFETY: as `write_rows` says.
            unsafe { write_rows(out, &[1, 0, 1, 0], 0.5) };
            abi::OK
        }
    );
    sampler!(
        infinite | host,
        data,
        out | {
            // SAFETY: as `write_rows` says.
            unsafe { write_rows(out, &[0, 0, 1, 1], f32::INFINITY) };
            abi::OK
        }
    );
    sampler!(
        rows_beyond | host,
        data,
        out | {
            // SAFETY: writes into the host's guard, on purpose.
            unsafe {
                write_rows(out, &[0, 0, 1, 1], 0.5);
                (*out).rows.add(8).write(0.0);
            }
            abi::OK
        }
    );
    let call = call(&[2, 2], "");
    let made = call.run(&raw(mixed, abi::MAKES_ROWS)).unwrap();
    assert_eq!(made.labels, [0, 0, 1, 1]);
    assert_eq!(made.rows, [1.0, 0.5, 3.0, 0.5, 0.0, 0.5, 2.0, 0.5]);
    assert_eq!(made.recipe, None);
    for (sample, said) in [
        (infinite as Sample, "row 0 holds inf in column 1"),
        (
            rows_beyond,
            "it wrote beyond the end of 'rows', which has room for 4 rows",
        ),
    ] {
        let refused = call.refusal(&raw(sample, abi::MAKES_ROWS));
        assert_eq!(refused, format!("plugin 'raw' broke its contract: {said}"));
    }
}

#[test]
fn requests_that_do_not_fit_together_never_reach_the_plugin() {
    let plugin = raw(good, 0);
    let refuse = |change: &dyn Fn(&mut Call)| {
        let mut call = usual();
        change(&mut call);
        call.refusal(&plugin)
    };
    assert_eq!(
        refuse(&|c| c.data.labels.truncate(39)),
        "39 labels for 40 rows; give one label a row"
    );
    assert_eq!(
        refuse(&|c| c.data.labels[5] = 7),
        "row 5 has label 7, but there are 2 classes; labels count from 0"
    );
    assert_eq!(
        refuse(&|c| c.wanted = vec![0, 3, 9]),
        "class 2 has no rows, and 9 are wanted: there is nothing to make them from; want 0 of it"
    );
    assert_eq!(
        refuse(&|c| c.wanted = vec![0, 1 << 60]),
        "1152921504606846976 synthetic rows of 2 values need 9223372036854775808 bytes, more than \
         this process gets; want fewer rows"
    );
    assert_eq!(
        refuse(&|c| c.wanted = vec![u64::MAX, 1 << 60]),
        "19599665578316398591 synthetic rows of 2 values need 156797324626531188728 bytes, more \
         than this process gets; want fewer rows"
    );
}
