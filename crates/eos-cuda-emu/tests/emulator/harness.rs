//! Arrays on the emulated card, and launches of the self-test's kernels.

use eos_cuda_emu::{Launch, Memory, Program, Report, Schedule};

/// The schedules that every test runs under.
pub const SCHEDULES: [Schedule; 4] = [
    Schedule::Forward,
    Schedule::Backward,
    Schedule::Random(1),
    Schedule::Random(2),
];

/// The self-test's kernels, or none with a word on why.
pub fn program() -> Option<Program> {
    if let Some(why) = eos_cuda_emu::unavailable() {
        println!("{why}");
        return None;
    }
    Some(Program::named("selftest").expect("the self-test is built"))
}

/// A number of the device's.
pub trait Word: Copy {
    const BYTES: usize = size_of::<Self>();
    fn bytes(self) -> Vec<u8>;
    fn of(bytes: &[u8]) -> Self;
}

macro_rules! words {
    ($($word:ty),*) => {$(
        impl Word for $word {
            fn bytes(self) -> Vec<u8> {
                self.to_ne_bytes().to_vec()
            }
            fn of(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().unwrap())
            }
        }
    )*};
}
words!(u8, u32, u64, f32, f64);

/// An array on the card with these numbers.
pub fn upload<T: Word>(words: &[T]) -> Memory {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.bytes()).collect();
    let memory = Memory::new(bytes.len());
    memory.write(0, &bytes);
    memory
}

/// An array on the card with nothing in it yet.
pub fn array<T: Word>(len: usize) -> Memory {
    Memory::new(len * T::BYTES)
}

pub fn download<T: Word>(memory: &Memory) -> Vec<T> {
    let mut bytes = vec![0; memory.len()];
    memory.read(0, &mut bytes);
    bytes.chunks_exact(T::BYTES).map(T::of).collect()
}

/// A parameter structure: addresses, then numbers of 32 bits.
pub fn params(arrays: &[&Memory], numbers: &[u32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = arrays.iter().flat_map(|a| a.address().bytes()).collect();
    bytes.extend(numbers.iter().flat_map(|n| n.bytes()));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

pub fn launch<'a>(kernel: &'a str, grid: u32, block: u32, schedule: Schedule) -> Launch<'a> {
    Launch {
        kernel,
        grid: [grid, 1, 1],
        block: [block, 1, 1],
        shared: 0,
        schedule,
        threads: 2,
    }
}

/// Runs a kernel of the self-test, or of a copy of it.
pub fn run(program: Program, launch: &Launch<'_>, params: &[u8]) -> Result<Report, String> {
    // SAFETY: the parameters are arrays of the sizes that the self-test's kernels say, which their planted mistakes
    // do not leave; no two launches have an array in common.
    unsafe { program.launch(launch, params) }
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
