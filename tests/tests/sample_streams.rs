//! `eos sample` from a mapped file into a stream: the same bytes however it is run, in little memory.

mod common;

use common::{eos, ok, told};
use eos_data::read_embeddings_npz;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Value of row `i`, column `j`: spread over [0, 1), the same as f32 and as f64.
fn value(i: usize, j: usize) -> f32 {
    let mixed = (i * 31 + j).wrapping_mul(0x9E37_79B9) as u32;
    (mixed >> 8) as f32 / (1 << 24) as f32
}

/// Writes `rows` of `dims` values and labels, of which every eighth is 1 and the others 0.
fn set(folder: &Path, name: &str, rows: usize, dims: usize, double: bool) {
    let file = |axis: &str, descr: &str, shape: String| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        let header = format!("{header:117}\n");
        let file = File::create(folder.join(format!("{name}_{axis}.npy"))).unwrap();
        let mut file = BufWriter::new(file);
        file.write_all(b"\x93NUMPY\x01\x00\x76\x00").unwrap();
        file.write_all(header.as_bytes()).unwrap();
        file
    };
    let descr = if double { "<f8" } else { "<f4" };
    let mut x = file("x", descr, format!("({rows}, {dims})"));
    for (i, j) in (0..rows).flat_map(|i| (0..dims).map(move |j| (i, j))) {
        let value = value(i, j);
        match double {
            true => x.write_all(&f64::from(value).to_le_bytes()).unwrap(),
            false => x.write_all(&value.to_le_bytes()).unwrap(),
        }
    }
    let mut y = file("y", "|u1", format!("({rows},)"));
    (0..rows).for_each(|i| y.write_all(&[u8::from(i % 8 == 0)]).unwrap());
}

#[test]
fn the_same_bytes_for_any_thread_count_and_from_any_input() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    set(folder, "plain", 3000, 24, false);
    set(folder, "double", 3000, 24, true);
    for method in ["eos", "smoothed-bootstrap"] {
        let run = |threads: &str, x: &str| {
            let arguments = ["sample", "--x", x, "--method", method, "--out", "out.npz"];
            let mut command = eos(folder, &arguments);
            let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
            assert!(output.status.success(), "{}", told(&output));
            let narrowed = told(&output).contains("is float64, rounded to float32");
            assert_eq!(narrowed, x == "double_x.npy", "{}", told(&output));
            std::fs::read(folder.join("out.npz")).unwrap()
        };
        let first = run("1", "plain_x.npy");
        for threads in ["2", "8"] {
            assert!(run(threads, "plain_x.npy") == first, "{method}, {threads}");
        }
        assert!(run("2", "double_x.npy") == first, "{method}, from f64");
    }
}

/// Runs where there is a GPU too: then it is used, and the bytes are the same.
#[test]
fn the_device_decides_no_byte_and_one_that_is_not_there_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    set(folder, "plain", 1500, 20, false);
    let run = |device: &str| {
        let arguments = [
            "sample",
            "--x",
            "plain_x.npy",
            "--out",
            "out.npz",
            "--device",
            device,
        ];
        eos(folder, &arguments).output().unwrap()
    };
    let made = |device: &str| {
        let output = run(device);
        assert!(output.status.success(), "{}", told(&output));
        let bytes = std::fs::read(folder.join("out.npz")).unwrap();
        std::fs::remove_file(folder.join("out.npz")).unwrap();
        bytes
    };
    let cpu = made("cpu");
    assert!(made("auto") == cpu);
    let doctor = told(&eos(folder, &["doctor"]).output().unwrap());
    match doctor.contains("self-test passed") {
        true => assert!(made("cuda") == cpu),
        false => {
            assert!(
                doctor.contains("GPU: none: ") || doctor.contains("cannot be used"),
                "{doctor}"
            );
            println!("skipped: no GPU");
        }
    }
    for (device, code, word) in [
        ("cuda:4096", 1, "--device cpu"),
        ("gpu", 2, "give auto, cpu, cuda or cuda:N"),
    ] {
        let output = run(device);
        let text = told(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(word), "{text}");
        assert!(!folder.join("out.npz").exists());
    }
}

#[test]
fn the_balanced_set_is_read_back_and_npy_files_hold_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    set(folder, "a", 800, 16, false);
    let sample = |out: &[&str]| {
        let arguments = [&["sample", "--x", "a_x.npy", "--method", "smote"], out].concat();
        ok(folder, &arguments)
    };
    sample(&["--out", "all.npz"]);
    let all = read_embeddings_npz(&folder.join("all.npz")).unwrap();
    assert_eq!((all.class_counts(), all.dims()), (vec![700, 700], 16));
    assert_eq!(all.rows()[..3], [value(0, 0), value(0, 1), value(0, 2)]);
    let npy = ["--out", "b_x.npy", "--out-y", "b_y.npy"];
    sample(&[&npy[..], &["--out-provenance", "b.npz"]].concat());
    let pair = eos_data::read_embeddings(&folder.join("b_x.npy"), None).unwrap();
    assert!(pair.is_mapped() && pair == all);
    // The balanced set over its own input, which is mapped meanwhile.
    sample(&["--out", "a_x.npy", "--out-y", "a_y.npy"]);
    let over = eos_data::read_embeddings(&folder.join("a_x.npy"), None).unwrap();
    assert!(over == all);
}

#[test]
fn files_that_do_not_go_together_are_refused_and_a_short_input_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    set(folder, "a", 80, 16, false);
    let whole = std::fs::read(folder.join("a_x.npy")).unwrap();
    std::fs::write(folder.join("cut_x.npy"), &whole[..whole.len() - 4]).unwrap();
    std::fs::write(
        folder.join("cut_y.npy"),
        std::fs::read(folder.join("a_y.npy")).unwrap(),
    )
    .unwrap();
    std::fs::write(folder.join("kept.npz"), "as it was").unwrap();
    for (arguments, code, word) in [
        (
            &["--x", "cut_x.npy", "--out", "kept.npz"][..],
            1,
            "cut short",
        ),
        (&["--x", "a_x.npy", "--out", "o.npy"], 2, "give --out-y"),
        (
            &["--x", "a_x.npy", "--out", "kept.npz", "--out-y", "y.npy"],
            2,
            "only with an --out that ends in .npy",
        ),
        (
            &["--x", "a_x.npy", "--out", "o.npy", "--out-y", "o.npy"],
            2,
            "one file twice",
        ),
    ] {
        let output = eos(folder, &[&["sample"], arguments].concat())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert!(told(&output).contains(word), "{}", told(&output));
    }
    let kept = std::fs::read(folder.join("kept.npz")).unwrap();
    assert_eq!(kept, b"as it was");
    assert!(!folder.join("o.npy").exists());
}

/// Rows whose interpolation leaves f32 are found when they are made: while the file is written.
#[test]
fn a_row_that_leaves_f32_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let labels: Vec<u32> = (0..20).map(|i| u32::from(i >= 16)).collect();
    let far = |i: usize| if i.is_multiple_of(2) { 3e38 } else { -3e38 };
    let rows = (0..20).map(far).collect();
    let set = eos_data::Embeddings::new(rows, 1, labels, eos_data::Labels::indices(2)).unwrap();
    let [x, y] = ["a_x.npy", "a_y.npy"].map(|name| folder.join(name));
    eos_data::write_embeddings_npy(&x, &y, &set).unwrap();
    std::fs::write(folder.join("kept.npz"), "as it was").unwrap();
    let arguments = [
        "sample", "--x", "a_x.npy", "--method", "smote", "--out", "kept.npz",
    ];
    let output = eos(folder, &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("smote"), "{}", told(&output));
    let kept = std::fs::read(folder.join("kept.npz")).unwrap();
    assert_eq!(kept, b"as it was");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 3);
}

#[test]
fn a_dry_run_tells_the_files_size_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    set(folder, "a", 2000, 16, false);
    let npy = [
        "--out",
        "o.npy",
        "--out-y",
        "y.npy",
        "--out-provenance",
        "p.npz",
    ];
    for (out, files) in [
        (&["--out", "o.npz"][..], &["o.npz"][..]),
        (&npy, &["o.npy", "y.npy", "p.npz"]),
    ] {
        let run = [&["sample", "--x", "a_x.npy", "--method", "eos"], out].concat();
        let told = ok(folder, &[&run[..], &["--dry-run"]].concat());
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 2, "{told}");
        ok(folder, &run);
        let size = |name: &&str| folder.join(name).metadata().unwrap().len();
        let bytes: u64 = files.iter().map(size).sum();
        assert!(told.contains(&format!("out: {bytes} bytes")), "{told}");
        assert!(told.contains("time: about"), "{told}");
        files
            .iter()
            .for_each(|name| std::fs::remove_file(folder.join(name)).unwrap());
    }
}

/// The largest RssAnon, in bytes, while a command runs to its good end.
#[cfg(target_os = "linux")]
fn most_anonymous_memory(folder: &Path, arguments: &[&str]) -> u64 {
    use std::time::Duration;
    let mut child = eos(folder, arguments).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        if let Some(code) = child.try_wait().unwrap() {
            assert!(code.success(), "{arguments:?}: {code}");
            return most;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(1024 * kibibytes.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_mapped_set_takes_recipes_and_a_window_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (rows, dims) = (200_000, 256);
    set(folder, "large", rows, dims, false);
    let arguments = [
        "sample",
        "--x",
        "large_x.npy",
        "--method",
        "random",
        "--out",
        "o.npz",
    ];
    let most = most_anonymous_memory(folder, &arguments);
    // Seven of eight rows are of the larger class.
    let added = rows * 6 / 8;
    let recipes = 20 * added as u64;
    assert!(most > 0, "it was seen while it ran");
    assert!(
        most < recipes + (32 << 20),
        "{most} bytes, recipes {recipes}"
    );
    let out = folder.join("o.npz").metadata().unwrap().len();
    assert!(out > 4 * (dims * (rows + added)) as u64);
}
