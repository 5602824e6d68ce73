//! What a kernel may not do, and what a card refuses.

use eos_cuda_emu::{Launch, PLANTS, PROGRAMS, Program, Schedule};

use crate::harness::{SCHEDULES, array, download, launch, params, program, run};
use crate::primitives::{adds_lines, copies, reverses};

/// Whether a mistake shows under some schedule: a wrong result or a report.
fn shows(plant: &str, right: impl Fn(Program, Schedule) -> Result<bool, String>) -> bool {
    let planted = Program::planted("selftest", plant).expect("the plant is built");
    SCHEDULES
        .iter()
        .any(|schedule| right(planted, *schedule) != Ok(true))
}

#[test]
fn every_plant_of_a_program_is_built() {
    if program().is_none() {
        return;
    }
    for plant in PLANTS {
        assert!(PROGRAMS.iter().any(|source| source.name == plant.program));
        let kernels = |program: Program| program.kernels();
        let planted = Program::planted(plant.program, plant.name).map(kernels);
        // Neither is there where the program's files are not.
        let named = Program::named(plant.program).map(kernels);
        assert_eq!(planted, named, "{plant:?}");
    }
}

#[test]
fn planted_mistakes_show() {
    if program().is_none() {
        return;
    }
    let reverses = |program, schedule| reverses(program, schedule, 256);
    assert!(shows("no-barrier", reverses));
    assert!(shows("divergent-barrier", reverses));
    assert!(shows("no-warp-barrier", adds_lines));
    assert!(shows("no-copy-wait", copies));
    assert!(shows("late-copy-wait", copies));
    assert!(shows("no-barrier-after-reads", copies));
}

#[test]
fn every_schedule_finds_a_lost_barrier() {
    if program().is_none() {
        return;
    }
    let planted = Program::planted("selftest", "no-barrier").unwrap();
    for schedule in SCHEDULES {
        assert_eq!(reverses(planted, schedule, 256), Ok(false), "{schedule:?}");
    }
}

/// The report of the mistake of this number in block 2 of 4, the others being sound.
fn report(which: u32, schedule: Schedule) -> String {
    let out = array::<u32>(256);
    let launch = Launch {
        shared: 64,
        ..launch("mistake", 4, 64, schedule)
    };
    run(program().unwrap(), &launch, &params(&[&out], &[which, 2])).unwrap_err()
}

#[test]
fn mistakes_are_reported_and_the_process_lives() {
    let Some(program) = program() else { return };
    let wanted = [
        "a divergent barrier",
        "threads wait at different barriers",
        "some have exited",
        "a shuffle reads a lane that does not take part",
        "a mask names a thread that has exited",
        "mask does not name the thread itself",
        "wait for one another in different places",
        "not a multiple of 16",
        "a mask names a thread that has exited",
        "wait for one another in different places",
        "threads wait at different barriers",
    ];
    for schedule in SCHEDULES {
        for (which, why) in wanted.iter().enumerate() {
            let report = report(which as u32, schedule);
            let first = report.lines().next().unwrap();
            assert!(
                first.starts_with("kernel mistake, block (2, 0, 0): ") && first.contains(why),
                "mistake {which} under {schedule:?}: {report}"
            );
        }
        // The thread of the operating system and the program are as good as before.
        assert_eq!(reverses(program, schedule, 256), Ok(true));
    }
}

#[test]
fn a_report_says_where_each_thread_stands() {
    if program().is_none() {
        return;
    }
    let text = include_str!("../../kernels/selftest.cu");
    let line = |of: &str| 1 + text.lines().position(|line| line.contains(of)).unwrap();
    let barrier = line("if (t < 40u) __syncthreads();");
    assert_eq!(
        report(0, Schedule::Forward),
        format!(
            "kernel mistake, block (2, 0, 0): a barrier that not all threads reach: a divergent barrier\n  \
             threads 0 to 39: at __syncthreads, selftest.cu:{barrier}\n  \
             threads 40 to 63: at __syncwarp, selftest.cu:{}, mask ffffffff",
            barrier + 1
        )
    );
    let exited = report(2, Schedule::Backward);
    assert!(exited.contains("\n  threads 5 to 5: exited\n"), "{exited}");
    let copy = format!("(thread 63, selftest.cu:{})", line("bytes + 8u, p.out"));
    assert!(report(7, Schedule::Backward).contains(&copy));
}

#[test]
fn a_launch_that_a_card_refuses_is_refused() {
    let Some(program) = program() else { return };
    let out = array::<u32>(256);
    let good = launch("mistake", 4, 64, Schedule::Forward);
    let own = params(&[&out], &[100, 2]);
    assert!(run(program, &good, &own).is_ok());
    assert!(download::<u32>(&out).iter().all(|word| *word == 1));
    let refused = |launch: Launch<'_>, params: &[u8], why: &str| {
        let report = run(program, &launch, params).unwrap_err();
        assert!(report.contains(why), "{report}");
    };
    refused(good, &own[..8], "8 bytes of parameters, which has 16");
    let kernel = "none";
    refused(Launch { kernel, ..good }, &own, "no kernel none");
    let block = [65, 1, 1];
    refused(Launch { block, ..good }, &own, "at most 64");
    let block = [8, 1, 65];
    refused(Launch { block, ..good }, &own, "a block of");
    let block = [0, 1, 1];
    refused(Launch { block, ..good }, &own, "a block of");
    let grid = [1, 65536, 1];
    refused(Launch { grid, ..good }, &own, "a grid of");
    let shared = 227 * 1024 + 1;
    refused(Launch { shared, ..good }, &own, "bytes of shared memory");
}
