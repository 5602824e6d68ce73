//! Where neighbours and interpolation run. Every device gives the same bits, so that the choice is one of speed.

use crate::Error;
use eos_cuda::{CudaBackend, CudaError};
use eos_tensor::{
    Backend, Classes, CpuBackend, Error as TensorError, Neighbours, Recipe, Rows, Search,
};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Queries × rows × dimensions of a search from which `auto` asks for a card: what two processor cores do in about a
/// second. To open a driver took 0.3 s, and 1.9 s where it had to compile the kernels first (results/gpu-h200).
const WORTH_IT: u128 = 1 << 37;

/// Where the batched operations run: `auto`, `cpu`, `cuda:N`, or `cuda` for `cuda:0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// A card for large searches where there is one, the processor else.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(usize),
}

impl std::str::FromStr for Device {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let card = |number: &str| number.parse().ok().map(Self::Cuda);
        match name {
            "auto" => Some(Self::Auto),
            "cpu" => Some(Self::Cpu),
            "cuda" => Some(Self::Cuda(0)),
            _ => name.strip_prefix("cuda:").and_then(card),
        }
        .ok_or_else(|| format!("there is no device '{name}'; give auto, cpu, cuda or cuda:N"))
    }
}

impl TryFrom<String> for Device {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

impl Device {
    /// The backend. `auto` opens a card only once a search is worth it.
    ///
    /// # Errors
    /// [`Error::Device`] where the card cannot be used.
    pub fn open(self) -> Result<Box<dyn Backend>, Error> {
        Ok(match self {
            Self::Auto => Box::new(Auto::new(first_card, WORTH_IT)),
            Self::Cpu => Box::new(CpuBackend::new()),
            Self::Cuda(number) => Box::new(CudaBackend::open(number)?),
        })
    }
}

/// A card to search on, or why there is none.
type Opened = Result<Box<dyn Backend>, CudaError>;

fn first_card() -> Opened {
    let card = CudaBackend::open(0)?;
    let name = card.device().map(|device| device.name.clone());
    tracing::info!(
        "device auto: {} ({}) for large searches, the CPU else",
        card.name(),
        name.unwrap_or_default()
    );
    Ok(Box::new(card))
}

/// The processor, and a card for large searches.
struct Auto {
    cpu: CpuBackend,
    open: fn() -> Opened,
    /// Work from which a search goes to a card.
    worth: u128,
    card: OnceLock<Option<Box<dyn Backend>>>,
    /// Whether the card has failed: the processor does the rest.
    failed: AtomicBool,
}

impl Auto {
    fn new(open: fn() -> Opened, worth: u128) -> Self {
        Self {
            cpu: CpuBackend::new(),
            open,
            worth,
            card: OnceLock::new(),
            failed: AtomicBool::new(false),
        }
    }

    /// The card, for a search of so much work.
    fn card(&self, work: u128) -> Option<&dyn Backend> {
        if work < self.worth || self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let opened = self.card.get_or_init(|| match (self.open)() {
            Ok(card) => Some(card),
            Err(error @ CudaError::NoDriver) => {
                tracing::debug!("device auto: the CPU ({error})");
                None
            }
            Err(error) => {
                tracing::info!("device auto: the CPU ({error})");
                None
            }
        });
        opened.as_deref()
    }
}

impl Backend for Auto {
    fn name(&self) -> &str {
        match self.card.get() {
            Some(Some(card)) if !self.failed.load(Ordering::Relaxed) => card.name(),
            _ => self.cpu.name(),
        }
    }

    fn neighbours(
        &self,
        rows: Rows<'_>,
        labels: &[u32],
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<Neighbours, TensorError> {
        self.search(rows, labels).neighbours(queries, k, classes)
    }

    fn search<'a>(&'a self, rows: Rows<'a>, labels: &'a [u32]) -> Box<dyn Search + 'a> {
        Box::new(AutoSearch {
            auto: self,
            rows,
            labels,
            cpu: self.cpu.search(rows, labels),
            card: OnceLock::new(),
        })
    }

    /// Rows lie in host memory before and after: copying them to a card and back takes longer than making them.
    fn interpolate(
        &self,
        rows: Rows<'_>,
        recipe: &[Recipe],
        out: &mut [f32],
    ) -> Result<(), TensorError> {
        self.cpu.interpolate(rows, recipe, out)
    }
}

struct AutoSearch<'a> {
    auto: &'a Auto,
    rows: Rows<'a>,
    labels: &'a [u32],
    cpu: Box<dyn Search + 'a>,
    card: OnceLock<Box<dyn Search + 'a>>,
}

impl Search for AutoSearch<'_> {
    fn neighbours(
        &self,
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<Neighbours, TensorError> {
        let work = queries.len() as u128 * self.rows.data().len() as u128;
        if let Some(card) = self.auto.card(work) {
            let search = self
                .card
                .get_or_init(|| card.search(self.rows, self.labels));
            match search.neighbours(queries, k, classes) {
                Err(TensorError::Device { device, message }) => {
                    // Searches at the same time may all fail; one of them says so.
                    if !self.auto.failed.swap(true, Ordering::Relaxed) {
                        tracing::warn!("{device}: {message}. The CPU goes on in its place.");
                    }
                }
                found => return found,
            }
        }
        self.cpu.neighbours(queries, k, classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_written() {
        for (name, device) in [
            ("auto", Device::Auto),
            ("cpu", Device::Cpu),
            ("cuda:3", Device::Cuda(3)),
        ] {
            assert_eq!(name.parse(), Ok(device));
            assert_eq!(device.to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for name in ["gpu", "cuda:", "cuda:-1", "CPU", ""] {
            let told = name.parse::<Device>().unwrap_err();
            assert!(told.contains("give auto, cpu, cuda or cuda:N"), "{told}");
        }
    }

    /// A card that finds nothing, or fails.
    struct Card {
        fails: bool,
    }

    impl Backend for Card {
        fn name(&self) -> &str {
            "cuda:0"
        }

        fn neighbours(
            &self,
            _: Rows<'_>,
            _: &[u32],
            queries: &[u32],
            k: usize,
            _: Classes,
        ) -> Result<Neighbours, TensorError> {
            match self.fails {
                true => Err(TensorError::Device {
                    device: "cuda:0".into(),
                    message: "broken".into(),
                }),
                false => Ok(Neighbours::empty(queries.len(), k)),
            }
        }

        fn interpolate(&self, _: Rows<'_>, _: &[Recipe], _: &mut [f32]) -> Result<(), TensorError> {
            unreachable!("interpolation stays on the processor")
        }
    }

    const LARGE: usize = 500;

    /// Names after a small search, after a large one, and what the large one found for its first query.
    fn searches(open: fn() -> Opened) -> (String, String, u32) {
        let auto = Auto::new(open, 100_000);
        let data: Vec<f32> = (0..LARGE).map(|i| i as f32).collect();
        let rows = Rows::new(&data, 1).unwrap();
        let labels = vec![0; LARGE];
        let search = auto.search(rows, &labels);
        let small = search.neighbours(&[5], 1, Classes::Any).unwrap();
        assert_eq!(small.index, [4]);
        let before = auto.name().to_owned();
        let all: Vec<u32> = (0..LARGE as u32).collect();
        let large = search.neighbours(&all, 1, Classes::Any).unwrap();
        (before, auto.name().to_owned(), large.index[0])
    }

    #[test]
    fn a_large_search_goes_to_the_card() {
        let card = || -> Opened { Ok(Box::new(Card { fails: false })) };
        assert_eq!(searches(card), ("cpu".into(), "cuda:0".into(), u32::MAX));
    }

    #[test]
    fn the_processor_goes_on_where_a_card_fails_or_is_not_there() {
        let failing = || -> Opened { Ok(Box::new(Card { fails: true })) };
        assert_eq!(searches(failing), ("cpu".into(), "cpu".into(), 1));
        let absent = || -> Opened { Err(CudaError::NoDevice) };
        assert_eq!(searches(absent), ("cpu".into(), "cpu".into(), 1));
    }
}
