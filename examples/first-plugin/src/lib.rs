//! Retreat: each synthetic row is a row of its class, moved away from its nearest enemy.
//!
//! With e the nearest row of another class, `base + r · (base − e)`, r uniform in [0, reach). It is
//! the opposite of EOS, which moves towards the enemy.

use eos_plugin::{
    Classes, Dataset, Error, Host, Oversampler, Recipe, Sink, export_oversampler, params,
};

params! {
    /// Parameters of [`Retreat`].
    pub struct Params {
        reach: float = 0.2, min 0.0, max 1.0, "how far away at most, in distances to the enemy";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct Retreat {
    reach: f32,
}

impl Oversampler for Retreat {
    const ID: &'static str = "retreat";
    const SUMMARY: &'static str = "moves rows away from their nearest enemies";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        Ok(Self {
            reach: params.reach as f32,
        })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        for (label, wanted) in data.wanting() {
            let members = members.of(label);
            let enemies = host.neighbours(members, 1, Classes::Other)?;
            out.draw(host, label, wanted, |draw| {
                let member = draw.base(members.len());
                let base = members[member];
                // A class that is alone has no enemy: its rows are repeated.
                let enemy = enemies.of(member).first().copied().unwrap_or(base);
                Recipe {
                    label,
                    base,
                    from: enemy,
                    to: base,
                    ratio: self.reach * draw.ratio(),
                }
            })?;
        }
        Ok(())
    }
}

export_oversampler!(Retreat);
