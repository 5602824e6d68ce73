//! Which network a checkpoint is of, found out from its tensors.

use crate::checkpoint::head_kind;
use crate::{Arch, HeadKind, ModelError, NetworkSpec};
use safetensors::SafeTensors;

/// Channels of the stem at usual width.
const STEM: usize = 16;

impl NetworkSpec {
    /// The network that safetensors bytes with PyTorch's names hold, for images of `height` and
    /// `width`, which no tensor tells.
    ///
    /// The depth is 6n + 2 for n blocks in the first stage; the channels and the width factor k are
    /// those of `conv1.weight` `[16 k, channels, 3, 3]`, the classes those of `linear.weight`:
    /// `[classes, 64 k]` beside `linear.bias`, or a normalised head's `[64 k, classes]` without one.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`] for other bytes, [`ModelError::UnknownArch`] where the names are of
    /// no network known here.
    pub fn infer(bytes: &[u8], height: usize, width: usize) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes).map_err(|source| ModelError::Unreadable {
            subject: "a network".to_owned(),
            source,
        })?;
        let side = |name: &str, axis: usize| {
            let shape = file.tensor(name).ok().map(|tensor| tensor.shape().to_vec());
            shape.and_then(|shape| shape.get(axis).copied())
        };
        let blocks = (0..)
            .take_while(|block| file.tensor(&format!("layer1.{block}.conv1.weight")).is_ok())
            .count();
        let arch = Arch::ALL
            .into_iter()
            .find(|arch| arch.depth() == 6 * blocks + 2);
        let head = head_kind(&file);
        let classes = match head {
            HeadKind::Linear => side("linear.weight", 0),
            HeadKind::Normalised => side("linear.weight", 1),
        };
        let stem = side("conv1.weight", 0).zip(side("conv1.weight", 1));
        match (arch, stem, classes) {
            (Some(arch), Some((stem, channels)), Some(classes)) => Ok(Self {
                width_factor: stem / STEM,
                head,
                ..Self::new(arch, [channels, height, width], classes)
            }),
            _ => Err(ModelError::UnknownArch {
                got: format!(
                    "the tensors {}",
                    file.names()
                        .into_iter()
                        .take(4)
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                known: Arch::ALL.map(Arch::name).join(", "),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, HeadKind, Network, note};

    #[test]
    fn a_checkpoint_tells_its_network_and_its_note() {
        let usual = NetworkSpec::new(Arch::ResNet32, [2, 8, 12], 7);
        let wide = NetworkSpec {
            width_factor: 3,
            head: HeadKind::Normalised,
            ..usual
        };
        for spec in [usual, wide] {
            let network = Network::new(spec, 0).unwrap();
            let bytes = network.to_safetensors_with_note("{\"a\": 1}").unwrap();
            assert_eq!(NetworkSpec::infer(&bytes, 8, 12).unwrap(), spec);
            assert_eq!(note(&bytes).unwrap().as_deref(), Some("{\"a\": 1}"));
            assert!(Network::from_safetensors(&bytes, spec).is_ok());
            assert_eq!(note(&network.to_safetensors().unwrap()).unwrap(), None);
        }
    }

    #[test]
    fn a_head_is_no_network() {
        let bytes = Head::fresh(HeadKind::Linear, 3, 4, 0)
            .to_safetensors()
            .unwrap();
        let told = NetworkSpec::infer(&bytes, 8, 8).unwrap_err().to_string();
        assert!(
            told.contains("linear.") && told.contains("resnet20"),
            "{told}"
        );
        assert!(NetworkSpec::infer(b"no file", 8, 8).is_err());
    }
}
