//! Tables grow at their end: a plugin of this version under a host of a later minor version, each
//! of whose tables is longer, and whose functions are the same.

use eos_plugin::abi::{self, Header, Instance, Recipe, Str};
use eos_plugin::{Classes, Dataset, Error, Host, Oversampler, Sink, entry};
use std::ffi::c_void;
use std::ptr;

/// A table of a later minor version: the one that this crate knows, and more.
#[repr(C)]
struct Later<T> {
    table: T,
    more: [u64; 4],
}

impl<T> Later<T> {
    fn of(table: T) -> Self {
        Self {
            table,
            more: [u64::MAX; 4],
        }
    }
}

fn header<T>() -> Header {
    Header {
        magic: abi::MAGIC,
        major: abi::MAJOR,
        minor: abi::MINOR + 3,
        size: size_of::<Later<T>>() as u32,
    }
}

unsafe extern "C" fn set_error(_: *mut c_void, message: Str) {
    // SAFETY: the SDK's text is borrowed for this call.
    panic_message(unsafe { message.as_str() }.unwrap());
}

/// Nothing in these tests fails on the plugin's side.
fn panic_message(message: &str) {
    eprintln!("the plugin failed: {message}");
    std::process::abort();
}

unsafe extern "C" fn log(_: *mut c_void, _: u32, _: Str) {}

unsafe extern "C" fn progress(_: *mut c_void, _: u64, _: u64) -> i32 {
    0
}

unsafe extern "C" fn block(_: *mut c_void, index: u64, stream: u32, block: u32, out: *mut u32) {
    // SAFETY: the SDK gives room for four words.
    unsafe { out.copy_from([index as u32, stream, block, 7].as_ptr(), 4) };
}

unsafe extern "C" fn trained(ctx: *mut c_void, parameters: u64, steps: u64) {
    // SAFETY: the context of this table is the test's cell, and the test has one thread.
    unsafe { *ctx.cast::<[u64; 2]>() = [parameters, steps] };
}

unsafe extern "C" fn neighbours(
    _: *mut c_void,
    queries: *const u32,
    len: u64,
    k: u32,
    _: u32,
    index: *mut u32,
    distance: *mut f32,
) -> abi::Status {
    assert_eq!(k, 1);
    for q in 0..len as usize {
        // SAFETY: the SDK gives `len` queries, and room for one neighbour of each.
        unsafe {
            index.add(q).write((queries.add(q).read() + 1) % 3);
            distance.add(q).write(1.0);
        }
    }
    abi::OK
}

unsafe extern "C" fn service(ctx: *mut c_void, name: Str) -> *const c_void {
    // SAFETY: the context is the tables of the test; the name is borrowed for this call.
    let (tables, name) = unsafe {
        (
            &*ctx.cast::<(Later<abi::Knn>, Later<abi::Rng>, Later<abi::Cost>)>(),
            name.as_str(),
        )
    };
    match name {
        Some(abi::KNN_SERVICE) => ptr::from_ref(&tables.0).cast(),
        Some(abi::RNG_SERVICE) => ptr::from_ref(&tables.1).cast(),
        Some(abi::COST_SERVICE) => ptr::from_ref(&tables.2).cast(),
        _ => ptr::null(),
    }
}

/// Uses every table.
struct Everything;

impl Oversampler for Everything {
    const ID: &'static str = "everything";
    const SUMMARY: &'static str = "uses every table";
    type Params = ();

    fn new((): ()) -> Result<Self, Error> {
        Ok(Self)
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let near = host.neighbours(data.members().of(1), 1, Classes::Any)?;
        host.note("asked");
        host.trained(7, 9);
        out.draw(host, 1, data.wanted()[1], |draw| Recipe {
            label: 1,
            base: 1,
            from: draw.words[0],
            to: near.of(0)[0],
            ratio: data.row(2)[1],
        })
    }
}

#[test]
fn a_plugin_of_this_version_runs_under_a_host_of_a_later_minor_version() {
    static ENTRY: abi::Entry = entry::<Everything>("1", false);
    let null = ptr::null_mut();
    let knn = abi::Knn {
        header: header::<abi::Knn>(),
        ctx: null,
        neighbours: Some(neighbours),
        device: Str::new("cpu"),
    };
    let rng = abi::Rng {
        header: header::<abi::Rng>(),
        ctx: null,
        block: Some(block),
    };
    let mut told = [0u64; 2];
    let cost = abi::Cost {
        header: header::<abi::Cost>(),
        ctx: (&raw mut told).cast(),
        trained: Some(trained),
    };
    let services = (Later::of(knn), Later::of(rng), Later::of(cost));
    let host = Later::of(abi::Host {
        header: header::<abi::Host>(),
        ctx: ptr::from_ref(&services).cast_mut().cast(),
        set_error: Some(set_error),
        log: Some(log),
        progress: Some(progress),
        service: Some(service),
        threads: 2,
        reserved: 0,
    });
    let (rows, labels, wanted) = ([0.0f32, 1.0, 2.0, 3.0, 4.0, 0.5], [0u32, 1, 1], [0u64, 3]);
    let data = Later::of(abi::Dataset {
        header: header::<abi::Dataset>(),
        len: 3,
        dims: 2,
        classes: 2,
        reserved: 0,
        rows: rows.as_ptr(),
        labels: labels.as_ptr(),
        wanted: wanted.as_ptr(),
        seed: 5,
    });
    let mut recipes = Vec::<Recipe>::with_capacity(3);
    let mut out = Later::of(abi::Output {
        header: header::<abi::Output>(),
        capacity: 3,
        written: 0,
        recipes: recipes.as_mut_ptr(),
        labels: null.cast(),
        rows: null.cast(),
    });
    let mut instance: *mut Instance = null;
    // SAFETY: every table and column outlives the calls, and the instance goes after them.
    unsafe {
        let host = &raw const host.table;
        assert_eq!(
            ENTRY.create.unwrap()(host, Str::new(""), &mut instance),
            abi::OK
        );
        let (data, out) = (&raw const data.table, &raw mut out.table);
        assert_eq!(ENTRY.sample.unwrap()(host, instance, data, out), abi::OK);
        ENTRY.destroy.unwrap()(instance);
        recipes.set_len((*out).written as usize);
    }
    let recipe = |i| Recipe {
        label: 1,
        base: 1,
        from: i,
        to: 2,
        ratio: 0.5,
    };
    assert_eq!(recipes, [recipe(0), recipe(1), recipe(2)]);
    assert_eq!(out.more, [u64::MAX; 4]);
    assert_eq!(told, [7, 9]);
}
