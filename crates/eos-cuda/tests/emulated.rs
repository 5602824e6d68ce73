//! The very kernels, run on the processor: every form of the first pass equals the plain definition in all bits, under every
//! schedule of threads, whatever the card's memory; and planted mistakes are caught.

mod cases;
mod emulated_card;

use cases::{FORMS, Kind, SMALL};
use emulated_card::EmulatedCard;
use eos_cuda::{CudaBackend, FirstPass};
use eos_cuda_emu::{PLANTS, Program, Schedule};
use std::sync::Arc;

const SCHEDULES: [Schedule; 4] = [
    Schedule::Forward,
    Schedule::Backward,
    Schedule::Random(1),
    Schedule::Random(2),
];

/// The kernels, or `None` (said) where they cannot be compiled.
fn kernels() -> Option<Program> {
    if let Some(why) = eos_cuda_emu::unavailable() {
        println!("{why}");
        return None;
    }
    Some(Program::named("eos").expect("the kernels are compiled where there is a compiler"))
}

fn backend(program: Program, schedule: Schedule, form: FirstPass) -> CudaBackend {
    CudaBackend::on(Arc::new(EmulatedCard::new(program, schedule))).with_first_pass(form)
}

fn check_form(form: FirstPass) {
    let Some(program) = kernels() else { return };
    let mut took = cases::Took::default();
    for (number, case) in SMALL.iter().enumerate() {
        // All schedules for the small cases, one of them in turn for each of the others.
        let all = if case.n * case.dims < 10_000 {
            SCHEDULES.len()
        } else {
            1
        };
        for at in number..number + all {
            let schedule = SCHEDULES[at % SCHEDULES.len()];
            let more = cases::check(&backend(program, schedule, form), case);
            took.add(more.unwrap_or_else(|why| panic!("{form:?}, {schedule:?}: {why}")));
        }
    }
    println!("{form:?}: {} queries, {:?}", took.queries, took.proven);
    // A form that proves nothing would hide behind the exact kernel.
    assert!(took.proven.first * 2 > took.queries, "{took:?}");
}

#[test]
fn tf32_equals_the_definition() {
    check_form(FirstPass::Tf32);
}

#[test]
fn three_tf32_equal_the_definition() {
    check_form(FirstPass::Tf32x3);
}

#[test]
fn the_expanded_form_equals_the_definition() {
    check_form(FirstPass::Expanded);
}

#[test]
fn the_direct_form_equals_the_definition() {
    check_form(FirstPass::Direct);
}

#[test]
fn scores_are_off_by_less_than_the_certificates_allow() {
    let Some(program) = kernels() else { return };
    for form in FORMS {
        let error = cases::score_errors(&backend(program, Schedule::Forward, form)).unwrap();
        println!("{form:?}: {error:?}");
        assert!(error.measured > 0.0 && error.scores > 10_000, "{error:?}");
    }
}

#[test]
fn interpolation_equals_the_definition() {
    let Some(program) = kernels() else { return };
    for schedule in SCHEDULES {
        for (dims, m) in [(64, 300), (13, 101), (1, 1001), (20, 2)] {
            let backend = backend(program, schedule, FirstPass::Direct);
            cases::check_interpolation(&backend, dims, m).unwrap();
        }
    }
}

#[test]
fn rows_that_do_not_fit_pass_block_by_block() {
    let Some(program) = kernels() else { return };
    for case in SMALL.iter().filter(|case| case.n > 900) {
        for form in FORMS {
            // Room for a block of the first stage, and a little more.
            for memory in [1 << 20, 1_300_000] {
                let card = EmulatedCard::new(program, Schedule::Random(3));
                let card = Arc::new(card.with_memory(memory));
                let backend = CudaBackend::on(card.clone()).with_first_pass(form);
                match cases::check(&backend, case) {
                    Ok(_) => assert!(card.most() <= memory, "{} of {memory}", card.most()),
                    Err(why) => assert!(why.contains("needs at least"), "{form:?}: {why}"),
                }
            }
        }
    }
}

#[test]
fn a_plan_that_cannot_fit_is_refused_with_its_bytes() {
    let Some(program) = kernels() else { return };
    let card = EmulatedCard::new(program, Schedule::Forward).with_memory(1 << 16);
    let told = cases::check(&CudaBackend::on(Arc::new(card)), &SMALL[0]).unwrap_err();
    assert!(told.contains("of which 65536 are free"), "{told}");
    assert!(told.contains("--device cpu"), "{told}");
}

#[test]
fn planted_mistakes_are_caught() {
    let Some(_) = kernels() else { return };
    let plants: Vec<_> = PLANTS
        .iter()
        .filter(|plant| plant.program == "eos")
        .collect();
    assert!(plants.len() >= 6, "{}", plants.len());
    // The cheapest cases first: one that is caught is enough.
    let mut cases: Vec<_> = SMALL
        .iter()
        .filter(|case| !matches!(case.kind, Kind::Huge))
        .collect();
    cases.sort_by_key(|case| case.n * case.dims);
    for plant in plants {
        let program = Program::planted("eos", plant.name).expect("it is compiled");
        let forms = cases.iter().flat_map(|case| FORMS.map(|form| (case, form)));
        let schedules = [Schedule::Backward, Schedule::Random(4)];
        let mut attempts = forms.flat_map(|(case, form)| schedules.map(|at| (case, form, at)));
        let caught = attempts.find_map(|(case, form, schedule)| {
            let told = cases::check(&backend(program, schedule, form), case).err();
            told.map(|why| format!("{form:?}, {schedule:?}: {why}"))
        });
        let caught = caught.unwrap_or_else(|| panic!("{} is not caught", plant.name));
        println!("{}: {caught}", plant.name);
    }
}
