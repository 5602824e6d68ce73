//! Methods that are no plugins.

/// What needs no plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// The head of phase one.
    AsTrained,
    /// A head trained on the embeddings as they are.
    Retrained,
    /// The same with class weights in its loss.
    Reweighted,
    /// The head of phase one with logits − τ ln prior.
    LogitAdjusted,
    /// The head of phase one with its norms evened out.
    TauNorm,
    /// The nearest class mean.
    NearestMean,
    /// Images between the codes of class-mates in an auto-encoder.
    DeepSmote,
}

/// Name, kind, and parameters with what they are where they are not given.
pub(crate) type Entry = (
    &'static str,
    BuiltIn,
    &'static [(&'static str, &'static str)],
);

const BUILT_IN: [Entry; 7] = [
    ("as-trained", BuiltIn::AsTrained, &[]),
    ("retrained", BuiltIn::Retrained, &[]),
    ("reweighted", BuiltIn::Reweighted, &[("weights", "inverse")]),
    ("logit-adjusted", BuiltIn::LogitAdjusted, &[("tau", "1.0")]),
    ("tau-norm", BuiltIn::TauNorm, &[("tau", "1.0")]),
    ("ncm", BuiltIn::NearestMean, &[]),
    (
        "deepsmote",
        BuiltIn::DeepSmote,
        &[("epochs", "60"), ("latent", "300")],
    ),
];

impl BuiltIn {
    /// The names of all of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, ..)| *name)
    }

    pub(crate) fn entry(name: &str) -> Option<&'static Entry> {
        BUILT_IN.iter().find(|(known, ..)| *known == name)
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::entry(name).map(|(_, kind, _)| *kind)
    }
}
