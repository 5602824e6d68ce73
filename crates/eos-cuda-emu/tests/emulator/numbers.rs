//! Arithmetic, bit by bit.

use crate::harness::{Random, SCHEDULES, array, download, launch, params, program, run, upload};

fn floats(count: usize) -> Vec<f32> {
    let mut random = Random(5);
    let mut special = vec![
        0.0,
        1.0,
        3.0,
        f32::INFINITY,
        f32::NAN,
        f32::MAX,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        f32::from_bits(0x007f_ffff),
        f32::from_bits(0x3f80_1000),
        f32::from_bits(0x3f80_0fff),
        f32::from_bits(0x3f80_3000),
        f32::from_bits(0x7f7f_f000),
        f32::from_bits(0x7f80_0001),
    ];
    special.extend(special.clone().iter().map(|value| -value));
    let mut numbers = Vec::new();
    for &a in &special {
        for &b in &special {
            numbers.extend(special.iter().flat_map(|&c| [a, b, c]));
        }
    }
    // Any bits; numbers near one another; products and addends of few bits, whose sums lie in the middle of two floats.
    for i in 0..count {
        let bits = [random.word(), random.word(), random.word()];
        numbers.extend(bits.map(|bits| match i % 4 {
            0 => f32::from_bits(bits as u32),
            1 => (bits >> 40) as f32 / 8192.0 - 1000.0,
            2 => f32::from_bits((bits as u32 & 0x8060_0000) | ((bits >> 32) as u32 & 0x1f80_0000)),
            _ => {
                let power = (bits >> 32) as i32 % 31;
                (1.0 + (bits & 7) as f32 / 4096.0) * 2f32.powi(power - 15)
            }
        }));
    }
    // Sums so close to the middle of two floats, on either side, that a double has the middle; also of subnormal ones.
    for i in 0..count {
        let bits = random.word();
        let sign = |bit: u64| if bits >> bit & 1 == 0 { 1.0 } else { -1.0 };
        let (place, whole) = if i % 2 == 0 {
            (-149, (bits & 0x7f_ffff) | 0x10_0000)
        } else {
            (
                (bits >> 50) as i32 % 200 - 130,
                (bits & 0x7f_ffff) | 0x80_0000,
            )
        };
        let power = |exponent: i32| 2f64.powi(exponent);
        // Half a unit of the addend's last place, times 1 + 2^-33 or 1 - step^2.
        let step = (1 + (bits >> 24) % 100) as f64 * power(-23);
        let (a, b) = if bits >> 40 & 1 == 0 {
            (411_849.0 * power(-17), 20_857.0 * power(-16))
        } else {
            (1.0 + step, 1.0 - step)
        };
        let (left, right) = (place.div_euclid(2), place - 1 - place.div_euclid(2));
        numbers.extend([
            (a * power(left) * sign(41)) as f32,
            (b * power(right) * sign(42)) as f32,
            (whole as f64 * power(place) * sign(43)) as f32,
        ]);
    }
    numbers
}

/// The same number, or no number both.
fn same(a: u32, b: u32) -> bool {
    a == b || (f32::from_bits(a).is_nan() && f32::from_bits(b).is_nan())
}

fn tf32(x: f32) -> f32 {
    if !x.is_finite() {
        return x;
    }
    // The two neighbours of 10 bits; the nearer one, or of two the greater.
    let below = f32::from_bits(x.to_bits() & !0x1fff);
    let above = f32::from_bits((x.to_bits() & !0x1fff) + 0x2000);
    let wide = if above.is_infinite() {
        2f64.powi(128).copysign(x.into())
    } else {
        above.into()
    };
    let (down, up) = (f64::from(x) - f64::from(below), wide - f64::from(x));
    if up.abs() <= down.abs() { above } else { below }
}

#[test]
fn floats_round_as_they_should() {
    let Some(program) = program() else { return };
    let numbers = floats(60_000);
    let count = numbers.len() / 3;
    let out = array::<u32>(count * 8);
    let launch = launch("floats", count.div_ceil(256) as u32, 256, SCHEDULES[0]);
    run(
        program,
        &launch,
        &params(&[&upload(&numbers), &out], &[count as u32]),
    )
    .unwrap();
    let out = download::<u32>(&out);
    for (own, abc) in out.chunks_exact(8).zip(numbers.chunks_exact(3)) {
        let &[a, b, c] = abc else { unreachable!() };
        let wanted = [
            a.mul_add(b, c),
            a + b,
            a - b,
            a * b,
            a.sqrt(),
            tf32(a),
            a.max(b),
            a.min(b),
        ];
        for (name, (own, wanted)) in own.iter().zip(wanted).enumerate() {
            // The greater of two zeros may be either.
            let zeros = name >= 6 && wanted == 0.0 && f32::from_bits(*own) == 0.0;
            assert!(
                zeros || same(*own, wanted.to_bits()),
                "operation {name} of {a:e}, {b:e}, {c:e}: {own:08x}, wanted {:08x}",
                wanted.to_bits()
            );
        }
        assert_eq!(own[5] & 0x1fff, 0);
    }
}

#[test]
fn middles_that_double_rounding_misses_are_among_the_cases() {
    let missed = floats(60_000)
        .chunks_exact(3)
        .filter(|abc| {
            let twice = f64::from(abc[0]) * f64::from(abc[1]) + f64::from(abc[2]);
            let once = abc[0].mul_add(abc[1], abc[2]);
            !same((twice as f32).to_bits(), once.to_bits())
        })
        .map(|abc| abc[0].mul_add(abc[1], abc[2]).abs() < f32::MIN_POSITIVE)
        .fold([0, 0], |[normal, subnormal], small| {
            [normal + i32::from(!small), subnormal + i32::from(small)]
        });
    assert!(missed.iter().all(|count| *count > 100), "{missed:?}");
}

#[test]
fn doubles_round_as_they_should() {
    let Some(program) = program() else { return };
    let mut random = Random(6);
    let mut numbers = vec![
        0.0,
        -0.0,
        1.0,
        f64::INFINITY,
        f64::NAN,
        1e300,
        -1e300,
        1e-310,
    ];
    numbers.extend((0..4000).map(|i| match i % 3 {
        0 => f64::from_bits(random.word()),
        1 => f64::from(f32::from_bits(random.word() as u32)),
        _ => (random.word() >> 20) as f64 * 2f64.powi(-30 - (random.word() % 160) as i32),
    }));
    let count = numbers.len() / 2;
    let out = array::<u64>(count * 8);
    let launch = launch("doubles", count.div_ceil(64) as u32, 64, SCHEDULES[2]);
    run(
        program,
        &launch,
        &params(&[&upload(&numbers), &out], &[count as u32]),
    )
    .unwrap();
    for (own, ab) in download::<u64>(&out)
        .chunks_exact(8)
        .zip(numbers.chunks_exact(2))
    {
        let &[a, b] = ab else { unreachable!() };
        for (own, wanted) in own.iter().zip([a + b, a - b, a * b, a / b, a.sqrt()]) {
            let own = f64::from_bits(*own);
            assert!(own.to_bits() == wanted.to_bits() || own.is_nan() && wanted.is_nan());
        }
        let [near, up, down] = [own[5], own[6], own[7]].map(|bits| f32::from_bits(bits as u32));
        if a.is_nan() {
            assert!(near.is_nan() && up.is_nan() && down.is_nan());
            continue;
        }
        assert_eq!(near.to_bits(), (a as f32).to_bits());
        assert!(f64::from(down) <= a && a <= f64::from(up), "{a:e}");
        let next = if f64::from(down) == a {
            down
        } else {
            down.next_up()
        };
        assert_eq!(up, next, "{a:e}");
    }
}

#[test]
fn bits_are_counted() {
    let Some(program) = program() else { return };
    let mut random = Random(7);
    let mut numbers = vec![0, 0, 1, u64::MAX, u64::MAX, 1, 1 << 31, 1 << 63, 1 << 32, 5];
    numbers.extend((0..500).map(|_| random.word() >> (random.word() % 64)));
    let count = numbers.len() / 2;
    for schedule in SCHEDULES {
        let out = array::<u32>(count * 8);
        let launch = launch("bit_words", count.div_ceil(96) as u32, 96, schedule);
        let arrays = [&upload(&numbers), &out];
        run(program, &launch, &params(&arrays, &[count as u32])).unwrap();
        for (own, pair) in download::<u32>(&out)
            .chunks_exact(8)
            .zip(numbers.chunks_exact(2))
        {
            let (a, b) = (pair[0] as u32, pair[1] as u32);
            let first = if a == 0 { 0 } else { a.trailing_zeros() + 1 };
            let high = (u64::from(a) * u64::from(b)) >> 32;
            let wanted = [
                a.count_ones(),
                pair[0].count_ones(),
                first,
                a.leading_zeros(),
                high as u32,
                a.min(b) ^ (a as i32).max(b as i32) as u32,
                1,
                pair[0].min(pair[1]) as u32,
            ];
            assert_eq!(own, wanted);
        }
    }
}

/// To f32, toward zero.
fn toward_zero(sum: f64) -> f32 {
    let near = sum as f32;
    if f64::from(near).abs() > sum.abs() {
        f32::from_bits(near.to_bits() - 1)
    } else {
        near
    }
}

#[test]
fn matrices_multiply_as_tensor_cores_do() {
    let Some(program) = program() else { return };
    let mut random = Random(8);
    let warps = 4;
    // Small whole numbers in the first warp, whose products are exact, and numbers of many sizes in the others.
    let mut draw = |count: usize| -> Vec<f32> {
        (0..warps * count)
            .map(|i| {
                let word = random.word();
                let whole = (word % 64) as f32 - 32.0;
                let sized = ((word >> 8) as u32 as f32 / 1e9 - 2.0)
                    * 2f32.powi((word >> 60) as i32 * 4 - 24);
                if i < count { whole } else { sized }
            })
            .collect()
    };
    let (a, b, c) = (draw(128), draw(64), draw(128));
    let cut = |x: f32| f64::from(f32::from_bits(x.to_bits() & !0x1fff));
    let wanted: Vec<f32> = (0..warps * 128)
        .map(|i| {
            let (warp, row, column) = (i / 128, i / 8 % 16, i % 8);
            let terms = (0..8)
                .map(|k| cut(a[warp * 128 + row * 8 + k]) * cut(b[warp * 64 + k * 8 + column]));
            toward_zero(terms.fold(f64::from(c[i]), |sum, term| sum + term))
        })
        .collect();
    for schedule in SCHEDULES {
        let d = upload(&c);
        let launch = launch("product", 1, 32 * warps as u32, schedule);
        run(
            program,
            &launch,
            &params(&[&upload(&a), &upload(&b), &d], &[]),
        )
        .unwrap();
        assert_eq!(download::<f32>(&d), wanted, "{schedule:?}");
    }
    let exact = |i: usize| {
        let terms = (0..8).map(|k| a[i / 8 * 8 + k] * b[k * 8 + i % 8]);
        c[i] + terms.sum::<f32>()
    };
    assert_eq!(wanted[..128], (0..128).map(exact).collect::<Vec<_>>());
}
