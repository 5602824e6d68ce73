//! Device memory: what the host sees of it, and its guard pages.

use eos_cuda_emu::Memory;

use crate::harness::{array, download, program, upload};

#[test]
fn memory_keeps_what_is_written() {
    let memory = Memory::new(100);
    assert_eq!((memory.len(), memory.address() % 16), (100, 0));
    assert!(download::<u8>(&memory).iter().all(|byte| *byte == 0xFF));
    memory.write(90, &[1, 2, 3]);
    let mut read = [0; 5];
    memory.read(89, &mut read);
    assert_eq!(read, [0xFF, 1, 2, 3, 0xFF]);
    memory.write(100, &[]);
    assert!(Memory::new(0).is_empty());
    assert_eq!(download::<f64>(&upload(&[1.5, -2.5])), [1.5, -2.5]);
    assert_eq!(array::<u32>(3).len(), 12);
    assert!(std::panic::catch_unwind(|| memory.write(98, &[0; 3])).is_err());
    assert!(std::panic::catch_unwind(|| memory.read(usize::MAX, &mut [0; 3])).is_err());
}

#[test]
fn memory_goes_between_threads() {
    let memory = Memory::new(1000);
    std::thread::scope(|scope| {
        for i in 0..10u8 {
            let memory = &memory;
            scope.spawn(move || memory.write(usize::from(i) * 100, &[i; 100]));
        }
    });
    let wanted: Vec<u8> = (0..10).flat_map(|i| [i; 100]).collect();
    assert_eq!(download::<u8>(&memory), wanted);
}

#[cfg(unix)]
mod guard_pages {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use eos_cuda_emu::{Launch, Schedule};

    use super::*;
    use crate::harness::{launch, run};

    /// Set in a process that is started to crash: what it does.
    const CHILD: &str = "EOS_EMU_STRAY";

    /// Stores a byte at this address.
    fn store(at: u64) {
        let launch = launch("store", 1, 1, Schedule::Forward);
        run(program().unwrap(), &launch, &at.to_ne_bytes()).unwrap();
    }

    /// What the process that is to crash does; nothing in the usual run.
    #[test]
    fn stray() {
        let Ok(way) = std::env::var(CHILD) else {
            return;
        };
        let memory = Memory::new(4096);
        match way.as_str() {
            "inside" => {
                store(memory.address());
                store(memory.address() + 4095);
            }
            "behind" => store(memory.address() + 4096),
            "before" => store(memory.address() - 1),
            "shared" => {
                let launch = Launch {
                    shared: 1024,
                    ..launch("mistake", 1, 1, Schedule::Forward)
                };
                let params = crate::harness::params(&[&memory], &[11, 0]);
                run(program().unwrap(), &launch, &params).unwrap();
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_stray_access_ends_the_process() {
        if program().is_none() {
            return;
        }
        let ways = [
            ("inside", "store"),
            ("behind", "store"),
            ("before", "store"),
            ("shared", "mistake"),
        ];
        for (way, kernel) in ways {
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["memory::guard_pages::stray", "--exact", "--test-threads=1"])
                .arg("--nocapture")
                .env(CHILD, way)
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&child.stderr).into_owned();
            assert_eq!(child.status.success(), way == "inside", "{way}: {told}");
            if way != "inside" {
                assert!(child.status.signal().is_some(), "{way}: {told}");
                let line = format!("eos-cuda-emu: kernel {kernel} left its memory\n");
                assert!(told.contains(&line), "{way}: {told}");
            }
        }
    }
}
