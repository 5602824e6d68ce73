//! Places, barriers, shuffles, votes, atomics, copies and shared memory.

use eos_cuda_emu::{Launch, Program, Schedule};

use crate::harness::{Random, SCHEDULES, array, download, launch, params, program, run, upload};

#[test]
fn programs_and_kernels_go_by_their_names() {
    let Some(program) = program() else { return };
    assert!(Program::named("none").is_none());
    assert!(Program::planted("selftest", "none").is_none());
    assert!(Program::planted("selftest", "no-barrier").is_some());
    let kernels = program.kernels();
    assert_eq!(kernels[..2], ["places", "reverse"]);
    assert_eq!(kernels.last().unwrap(), "store");
}

#[test]
fn threads_know_their_places() {
    let Some(program) = program() else { return };
    let (grid, block) = ([3u32, 2, 2], [5u32, 4, 2]);
    let count = |sizes: [u32; 3]| sizes.iter().product::<u32>();
    let place = |at: u32, sizes: [u32; 3]| {
        [
            at % sizes[0],
            at / sizes[0] % sizes[1],
            at / sizes[0] / sizes[1],
        ]
    };
    for schedule in SCHEDULES {
        let out = array::<u32>((count(grid) * count(block) * 16) as usize);
        let launch = Launch {
            grid,
            block,
            ..launch("places", 1, 1, schedule)
        };
        run(program, &launch, &params(&[&out], &[])).unwrap();
        let out = download::<u32>(&out);
        for (at, own) in out.chunks_exact(16).enumerate() {
            let at = at as u32;
            let thread = place(at % count(block), block);
            let wanted = [thread, place(at / count(block), grid), block, grid];
            let wanted = wanted.map(|[x, y, z]| [x, y, z, 0]).concat();
            assert_eq!(own, wanted, "{schedule:?}");
        }
    }
}

/// Whether `reverse` of this program gives what it should.
pub fn reverses(program: Program, schedule: Schedule, block: u32) -> Result<bool, String> {
    let mut random = Random(3);
    let blocks = 6;
    let mut numbers: Vec<u32> = (0..blocks * block).map(|_| random.word() as u32).collect();
    // One block of even numbers, one of odd ones.
    numbers[..block as usize].iter_mut().for_each(|n| *n &= !1);
    numbers[block as usize..2 * block as usize]
        .iter_mut()
        .for_each(|n| *n |= 1);
    let input = upload(&numbers);
    let (out, votes) = (
        array::<u32>(numbers.len()),
        array::<u32>(3 * blocks as usize),
    );
    let launch = Launch {
        shared: 4 * block as usize,
        ..launch("reverse", blocks, block, schedule)
    };
    run(program, &launch, &params(&[&input, &out, &votes], &[]))?;
    let own = numbers.chunks_exact(block as usize);
    let reversed: Vec<u32> = own.clone().flat_map(|b| b.iter().rev().copied()).collect();
    let counts = own.map(|b| b.iter().filter(|n| *n % 2 == 1).count() as u32);
    let counted: Vec<u32> = counts
        .flat_map(|odd| [u32::from(odd > 0), u32::from(odd == block), odd])
        .collect();
    Ok(download::<u32>(&out) == reversed && download::<u32>(&votes) == counted)
}

#[test]
fn barriers_hold_and_count() {
    let Some(program) = program() else { return };
    for schedule in SCHEDULES {
        for block in [1, 31, 32, 100, 256] {
            assert_eq!(
                reverses(program, schedule, block),
                Ok(true),
                "{schedule:?}, {block} threads"
            );
        }
    }
}

#[test]
fn dynamic_shared_memory_begins_as_garbage() {
    let Some(program) = program() else { return };
    for schedule in SCHEDULES {
        for bytes in [1u32, 16, 5000, 227 * 1024] {
            let out = array::<u8>(3 * bytes as usize);
            let launch = Launch {
                shared: bytes as usize,
                threads: 1,
                ..launch("untouched", 3, 32, schedule)
            };
            run(program, &launch, &params(&[&out], &[bytes])).unwrap();
            assert!(download::<u8>(&out).iter().all(|byte| *byte == 0xFF));
        }
    }
}

#[test]
fn lanes_exchange_values() {
    let Some(program) = program() else { return };
    let mut random = Random(4);
    let threads = 128usize;
    let mut values: Vec<u64> = (0..threads).map(|_| random.word()).collect();
    values[32..64].iter_mut().for_each(|value| *value |= 1);
    values[64..96].iter_mut().for_each(|value| *value &= !1);
    let source: Vec<u32> = (0..threads).map(|_| random.word() as u32 % 32).collect();
    for schedule in SCHEDULES {
        for (width, delta) in [(32usize, 1usize), (32, 17), (16, 3), (8, 9), (4, 0)] {
            let out = array::<u64>(threads * 10);
            let arrays = [&upload(&values), &upload(&source), &out];
            let launch = launch("lanes", 1, threads as u32, schedule);
            run(
                program,
                &launch,
                &params(&arrays, &[width as u32, delta as u32]),
            )
            .unwrap();
            let out = download::<u64>(&out);
            for (t, own) in out.chunks_exact(10).enumerate() {
                let (warp, lane) = (&values[t / 32 * 32..][..32], t % 32);
                let first = lane / width * width;
                let or_own = |from: usize, fits: bool| warp[if fits { from } else { lane }];
                let odd = |lanes: &[u64]| (0..lanes.len()).fold(0, |v, l| v | (lanes[l] & 1) << l);
                let all = odd(warp);
                let half = &warp[lane / 16 * 16..][..16];
                let wanted = [
                    warp[first + source[t] as usize % width],
                    or_own(lane ^ delta, lane ^ delta < first + width),
                    or_own(lane.wrapping_sub(delta), lane >= first + delta),
                    or_own(lane + delta, lane + delta < first + width),
                    warp[source[t] as usize] & 0x3fff_ffff,
                    all,
                    u64::from(all != 0) * 2 + u64::from(all == 0xffff_ffff),
                    odd(half),
                    half[(lane % 16) ^ if lane < 16 { 5 } else { 9 }],
                    warp.iter().map(|value| value & 1023).sum(),
                ];
                assert_eq!(
                    own, wanted,
                    "{schedule:?}, width {width}, {delta}, thread {t}"
                );
            }
        }
    }
}

/// Whether `lines` of this program gives what it should.
pub fn adds_lines(program: Program, schedule: Schedule) -> Result<bool, String> {
    let numbers: Vec<u32> = (0..256).map(|i| i * i + 1).collect();
    let out = array::<u32>(256);
    let launch = launch("lines", 1, 256, schedule);
    run(program, &launch, &params(&[&upload(&numbers), &out], &[]))?;
    let side = |i: usize, by: usize| numbers[i / 32 * 32 + (i + by) % 32];
    let wanted: Vec<u32> = (0..256).map(|i| side(i, 1) + side(i, 31)).collect();
    Ok(download::<u32>(&out) == wanted)
}

#[test]
fn warp_barriers_hold() {
    let Some(program) = program() else { return };
    for schedule in SCHEDULES {
        assert_eq!(adds_lines(program, schedule), Ok(true), "{schedule:?}");
    }
}

#[test]
fn atomics_lose_nothing_among_threads() {
    let Some(program) = program() else { return };
    let blocks = 64u32;
    let numbers = 0..blocks * 256;
    let wide = |i: u32| u64::from(i) << 30;
    for schedule in SCHEDULES {
        let (words, wides) = (
            upload(&[0u32, 0, u32::MAX, 0, 0]),
            upload(&[0u64, 0, u64::MAX, 0]),
        );
        let last = array::<u32>(1);
        let launch = Launch {
            threads: 4,
            ..launch("atomics", blocks, 256, schedule)
        };
        run(program, &launch, &params(&[&words, &wides, &last], &[])).unwrap();
        let sum = numbers.clone().sum();
        let greatest = numbers.clone().map(|i| i ^ 0x2a5).max().unwrap();
        assert_eq!(
            download::<u32>(&words),
            [sum, greatest, 7, u32::MAX, blocks]
        );
        let sum = numbers.clone().map(wide).sum();
        let greatest = numbers.clone().map(wide).max().unwrap();
        assert_eq!(download::<u64>(&wides), [sum, greatest, 9, u64::MAX]);
        assert_eq!(download::<u32>(&last), [numbers.clone().sum()]);
    }
}

#[test]
fn atomics_are_whole_where_blocks_meet() {
    let Some(program) = program() else { return };
    let (blocks, rounds) = (8u32, 1024u32);
    let threads = blocks * 256;
    for schedule in SCHEDULES {
        let (sum, most, least) = (upload(&[0u32]), upload(&[0u64]), upload(&[u32::MAX]));
        let back = array::<u32>(threads as usize);
        let launch = Launch {
            threads: 4,
            ..launch("contended", blocks, 256, schedule)
        };
        let arrays = [&sum, &most, &least, &back];
        run(program, &launch, &params(&arrays, &[rounds])).unwrap();
        assert_eq!(download::<u32>(&sum), [threads * rounds], "{schedule:?}");
        let last = (rounds - 1, threads - 1);
        let greatest = u64::from(last.0) << 32 | u64::from(last.1);
        assert_eq!(download::<u64>(&most), [greatest]);
        assert_eq!(download::<u32>(&least), [!(last.0 << 16 | last.1)]);
        assert!(download::<u32>(&back).iter().all(|times| *times == 0));
    }
}

/// Whether `copies` of this program gives what it should.
pub fn copies(program: Program, schedule: Schedule) -> Result<bool, String> {
    let slabs = 7;
    let numbers: Vec<f32> = (0..slabs * 256).map(|i| (i % 97) as f32).collect();
    let out = array::<f32>(64);
    let launch = Launch {
        shared: 2 * 64 * 16,
        ..launch("copies", 1, 64, schedule)
    };
    run(
        program,
        &launch,
        &params(&[&upload(&numbers), &out], &[slabs as u32]),
    )?;
    let sum = |t: usize| {
        let slabs = numbers.chunks_exact(256);
        slabs
            .flat_map(|slab| &slab[(t + 1) % 64 * 4..][..4])
            .sum::<f32>()
    };
    Ok(download::<f32>(&out) == (0..64).map(sum).collect::<Vec<_>>())
}

#[test]
fn asynchronous_copies_arrive() {
    let Some(program) = program() else { return };
    for schedule in SCHEDULES {
        assert_eq!(copies(program, schedule), Ok(true), "{schedule:?}");
    }
}

#[test]
fn a_random_schedule_is_the_same_on_any_number_of_threads() {
    let Some(planted) = program().and_then(|_| Program::planted("selftest", "no-barrier")) else {
        return;
    };
    let outcome = |seed, threads| {
        let numbers: Vec<u32> = (0..256 * 8).collect();
        let (out, votes) = (array::<u32>(numbers.len()), array::<u32>(24));
        let launch = Launch {
            shared: 1024,
            threads,
            ..launch("reverse", 8, 256, Schedule::Random(seed))
        };
        let arrays = [&upload(&numbers), &out, &votes];
        let report = run(planted, &launch, &params(&arrays, &[])).unwrap();
        // Dynamic memory alone begins the same in all blocks; so compare where it was read before it was written.
        (report, download::<u32>(&votes))
    };
    let first = outcome(9, 1);
    assert_eq!(first, outcome(9, 3));
    assert!(first.0.switches >= 8 * 256 * 4);
}
