//! What a configuration means for the two training phases.

use super::{Config, Sampling, Start};
use eos_model::{ClassWeights, HeadKind, HeadTraining, Loss, LossOptions, ModelError, SgdOptions};

impl Config {
    /// The optimizer of both training phases.
    pub fn sgd(&self) -> SgdOptions {
        let train = &self.train;
        SgdOptions {
            momentum: train.momentum,
            nesterov: train.nesterov,
            weight_decay: train.weight_decay,
            decay: train.decay,
            clip_norm: train.clip_norm,
        }
    }

    /// The head that phase one trains.
    pub fn head_kind(&self) -> HeadKind {
        let model = &self.model;
        model.head.unwrap_or_else(|| model.loss.head())
    }

    /// The loss of phase one when `epoch` epochs are done.
    pub fn loss_options(&self, epoch: usize) -> LossOptions {
        let train = &self.train;
        let deferred = train.drw_from.is_some_and(|from| epoch < from);
        let class_weights = match deferred {
            true => ClassWeights::None,
            false => train.class_weights,
        };
        self.options(self.model.loss, train.label_smoothing, class_weights)
    }

    /// How likely an image of each class is to be drawn, where images are drawn at random.
    ///
    /// # Errors
    /// [`ModelError::EmptyClass`], and a β that the effective number cannot have.
    pub fn sampling_weights(&self, counts: &[usize]) -> Result<Option<Vec<f64>>, ModelError> {
        let inverse = || ClassWeights::Inverse.of(counts, 0.0);
        Ok(match self.train.sampling {
            Sampling::Shuffled => None,
            Sampling::Balanced => Some(inverse()?),
            Sampling::SquareRoot => Some(inverse()?.into_iter().map(f64::sqrt).collect()),
            Sampling::Effective => Some(ClassWeights::Effective.of(counts, self.train.beta)?),
        })
    }

    /// How heads are trained; `trained` is the head of phase one, where there is one.
    pub fn head_training(&self, trained: Option<&eos_model::Head>) -> HeadTraining {
        let head = &self.head;
        HeadTraining {
            epochs: head.epochs,
            batch: head.batch,
            schedule: head.schedule.clone(),
            learning_rate: head.learning_rate,
            sgd: self.sgd(),
            loss: self.head_loss(),
            kind: self.tuned_kind(),
            seed: self.run.seed,
            start: trained.filter(|_| head.start == Start::Trained).cloned(),
        }
    }

    /// The loss of phase three.
    fn head_loss(&self) -> LossOptions {
        let head = &self.head;
        let loss = head.loss.unwrap_or(self.model.loss);
        self.options(loss, head.label_smoothing, head.class_weights)
    }

    /// The head of phase three: the network's, or that of a loss of its own.
    fn tuned_kind(&self) -> HeadKind {
        match self.head.loss {
            Some(loss) if loss != self.model.loss => loss.head(),
            _ => self.head_kind(),
        }
    }

    fn options(&self, loss: Loss, smoothing: Option<f64>, weights: ClassWeights) -> LossOptions {
        LossOptions {
            loss,
            label_smoothing: smoothing.unwrap_or_else(|| loss.label_smoothing()),
            class_weights: weights,
            beta: self.train.beta,
            scale: self.model.scale,
        }
    }

    /// With everything written out that follows from other keys.
    pub(crate) fn spelt_out(mut self) -> Self {
        self.model.head = Some(self.head_kind());
        self.train.label_smoothing = Some(self.loss_options(0).label_smoothing);
        let tuned = self.head_loss();
        self.head.loss = Some(tuned.loss);
        self.head.label_smoothing = Some(tuned.label_smoothing);
        self
    }

    /// Refuses losses, heads and optimizers that cannot be.
    pub(super) fn check_recipe(&self) -> Result<(), String> {
        let (train, epochs) = (&self.train, self.train.epochs);
        let in_phase = |phase, e| format!("loss of phase {phase}: {e}");
        let first = self.loss_options(epochs).check(self.head_kind());
        first.map_err(|e| in_phase("one", e))?;
        let third = self.head_loss().check(self.tuned_kind());
        third.map_err(|e| in_phase("three", e))?;
        for (key, schedule, epochs) in [
            ("train", &train.schedule, epochs),
            ("head", &self.head.schedule, self.head.epochs),
        ] {
            let checked = schedule.check(epochs);
            checked.map_err(|e| format!("{key}.schedule: {e}"))?;
        }
        self.sgd().check().map_err(|e| format!("[train] {e}"))?;
        if train.sampling == Sampling::Effective {
            let beta = ClassWeights::Effective.check(train.beta);
            beta.map_err(|e| format!("[train] {e}"))?;
        }
        if !(train.mixup >= 0.0 && train.mixup.is_finite()) {
            return Err(format!(
                "train.mixup is {}, wanted a number of 0 or more, usually 0.1 to 1",
                train.mixup
            ));
        }
        if let Some(from) = train.drw_from {
            if train.class_weights == ClassWeights::None {
                return Err(
                    "train.drw-from defers class weights, and there are none; set \
                            train.class-weights = \"effective\""
                        .to_owned(),
                );
            }
            if from == 0 || from >= epochs {
                return Err(format!(
                    "train.drw-from is {from}, wanted 1 to {}: below train.epochs; the reference \
                     has 160 of 200",
                    epochs.saturating_sub(1)
                ));
            }
        }
        if self.head.start == Start::Trained && self.tuned_kind() != self.head_kind() {
            return Err(format!(
                "head.start = \"trained\" begins with a {} head, and head.loss = \"{}\" trains a {} \
                 one; set head.start = \"fresh\"",
                self.head_kind(),
                self.head_loss().loss.name(),
                self.tuned_kind()
            ));
        }
        match self.head.logit_adjustment {
            Some(tau) if !(tau >= 0.0 && tau.is_finite()) => Err(format!(
                "head.logit-adjustment is {tau}, wanted a number of 0 or more, usually 1"
            )),
            Some(_) if self.head_kind() == HeadKind::Normalised => Err(
                "head.logit-adjustment moves a linear head's bias, and this network's head is \
                 normalised; leave it out, or set model.loss = \"logit-adjusted\""
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sets: &[&str]) -> Result<Config, String> {
        let text = "[data]\nset = \"fashion-mnist-lt\"\n";
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::from_toml(text, "run.toml", &sets).map_err(|e| e.to_string())
    }

    #[test]
    fn class_weights_set_in_where_they_are_deferred_to() {
        let config = read(&["train.class-weights=effective", "train.drw-from=160"]).unwrap();
        let weights = |epoch| config.loss_options(epoch).class_weights;
        assert_eq!(weights(159), ClassWeights::None);
        assert_eq!(weights(160), ClassWeights::Effective);
        assert_eq!(config.loss_options(160).beta, 0.9999);
        let at_once = read(&["train.class-weights=inverse"]).unwrap();
        assert_eq!(at_once.loss_options(0).class_weights, ClassWeights::Inverse);
    }

    #[test]
    fn images_are_drawn_so_that_classes_have_their_shares() {
        let counts = [900, 100];
        let share = |sampling: &str| {
            let config = read(&[&format!("train.sampling={sampling}")]).unwrap();
            let weights = config.sampling_weights(&counts).unwrap()?;
            let of = |c: usize| weights[c] * counts[c] as f64;
            Some(of(1) / (of(0) + of(1)))
        };
        assert_eq!(share("shuffled"), None);
        assert!((share("balanced").unwrap() - 0.5).abs() < 1e-12);
        assert!((share("square-root").unwrap() - 0.25).abs() < 1e-12);
        // 1 − βⁿ at β = 0.9999: 0.0861 of 900 rows, 0.00995 of 100.
        let effective = share("effective").unwrap();
        let (many, few) = (900.0 / 0.08607, 100.0 / 0.009951);
        assert!((effective - few / (many + few)).abs() < 1e-4, "{effective}");
    }

    #[test]
    fn heads_and_smoothing_follow_the_loss() {
        let ldam = read(&["model.loss=ldam"]).unwrap();
        assert_eq!(ldam.head_kind(), HeadKind::Normalised);
        let trained = eos_model::Head::fresh(HeadKind::Normalised, 3, 4, 0);
        assert_eq!(
            ldam.head_training(Some(&trained)).kind,
            HeadKind::Normalised
        );
        let other = read(&["model.loss=ldam", "head.loss=ce"]).unwrap();
        assert_eq!(other.head_training(Some(&trained)).kind, HeadKind::Linear);
        let asl = read(&["model.loss={kind='asl', gamma-neg=3}"]).unwrap();
        assert_eq!(asl.loss_options(0).label_smoothing, 0.1);
        let spelt = asl.spelt_out();
        assert_eq!(spelt.train.label_smoothing, Some(0.1));
        assert_eq!(spelt.head.loss, Some(spelt.model.loss));
        let again = Config::from_toml(&spelt.to_toml(), "x", &[]).unwrap();
        assert_eq!(again, spelt);
    }

    #[test]
    fn the_keys_in_the_readme_are_the_defaults() {
        let readme = include_str!("../../../../README.md");
        let keys = readme
            .split("```toml\n")
            .find(|part| part.starts_with("[model]"));
        let keys = keys.and_then(|part| part.split("```").next()).unwrap();
        let data = "[data]\nset = \"fashion-mnist-lt\"\n";
        let mut config: Config = toml::from_str(&format!("{data}{keys}")).unwrap();
        // The README says that these have none.
        config.train.clip_norm = None;
        config.train.drw_from = None;
        config.head.logit_adjustment = None;
        assert_eq!(config, read(&[]).unwrap().spelt_out());
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        for (sets, word) in [
            (&["model.loss=focl"][..], "`focal`"),
            (&["model.loss={kind='focal', gama=1}"], "`gama`"),
            (&["model.loss={kind='focal', gamma=-1}"], "gamma is -1"),
            (&["model.loss=ldam", "model.head=linear"], "normalised"),
            (&["train.drw-from=160"], "class-weights = \"effective\""),
            (
                &["train.drw-from=200", "train.class-weights=effective"],
                "wanted 1 to 199",
            ),
            (
                &["train.beta=1", "train.class-weights=effective"],
                "beta is 1",
            ),
            (&["train.sampling=effective", "train.beta=1"], "beta is 1"),
            (&["train.sampling=balance"], "`balanced`"),
            (&["train.mixup=-1"], "train.mixup is -1"),
            (&["train.momentum=1"], "momentum is 1"),
            (&["train.clip-norm=0"], "clip-norm is 0"),
            (&["train.decay=weight"], "`weights`"),
            (&["train.schedule=cosin"], "`cosine`"),
            (
                &["train.schedule={kind='steps', at=[100, 250]}"],
                "train.schedule: the schedule's steps are at [100, 250]",
            ),
            (&["head.label-smoothing=1"], "phase three"),
            (
                &["head.loss=ldam", "head.start=trained"],
                "head.start = \"fresh\"",
            ),
            (
                &["model.loss=ldam", "head.logit-adjustment=1"],
                "\"logit-adjusted\"",
            ),
            (&["model.width-factor=0"], "model.width-factor is 0"),
        ] {
            let told = read(sets).unwrap_err();
            assert!(told.contains(word), "{sets:?}: {told}");
        }
    }
}
