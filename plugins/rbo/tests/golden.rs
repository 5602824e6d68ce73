//! The potentials of the golden file, in both conventions and both norms.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::{Set, golden, numbers};
use eos_plugin_rbo::{Columns, Form, Norm, Potential, Radial};

#[test]
fn potentials_are_those_of_the_definition() {
    let (mut cases, mut points) = (0, 0);
    for case in golden("rbo_potential.json") {
        let (set, params) = (Set::of(&case), &case["params"]);
        let norm = match params["p_norm"].as_u64().unwrap() {
            1 => Norm::L1,
            2 => Norm::L2,
            other => panic!("norm {other}"),
        };
        let columns = Columns::new(&set.rows, set.dims);
        let class = params["minority"].as_u64().unwrap() as u32;
        let gamma = params["gamma"].as_f64().unwrap();
        for (form, name) in [(Form::Divide, "phi_div"), (Form::Multiply, "phi_mul")] {
            let radial = Radial::new(norm, form, gamma);
            let potential = Potential::new(&columns, &set.labels, class, radial);
            let expected = numbers(&case["expect"][name]);
            assert_eq!(expected.len(), case["points"].as_array().unwrap().len());
            for (point, wanted) in case["points"].as_array().unwrap().iter().zip(expected) {
                let point: Vec<f32> = numbers(point).iter().map(|&v| v as f32).collect();
                let got = potential.of(&potential.distances(&point));
                // Relative to each value: the smallest is 10⁻¹³¹.
                assert!(
                    (got / wanted - 1.0).abs() < 1e-9,
                    "{} {got} {wanted}",
                    case["name"]
                );
                points += 1;
            }
        }
        cases += 1;
    }
    assert_eq!((cases, points), (6, 144));
}
