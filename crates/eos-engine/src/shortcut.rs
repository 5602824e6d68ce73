//! The shortcut past a block that halves the image (option A of He et al. 2016): every second
//! pixel in each direction, with zero channels added on both sides. It has no parameters.

use crate::layout::Layout;
use crate::simd::LANES;

/// Channels that move together: the widths are multiples of sixteen, and half their difference is
/// one of eight.
const GROUP: usize = 8;

/// Calls `pair` with the place of each group of channels in the wide image and in the narrow one.
fn each_pair(wide: Layout, narrow: Layout, mut pair: impl FnMut(usize, usize)) {
    let added = (narrow.channels - wide.channels) / 2;
    assert!(
        wide.channels.is_multiple_of(GROUP) && added.is_multiple_of(GROUP),
        "channels move in groups"
    );
    for c in (0..wide.channels).step_by(GROUP) {
        let to = c + added;
        for y in 0..narrow.height {
            let wide_row = wide.at(c / LANES, 2 * y, 0) + c % LANES;
            let narrow_row = narrow.at(to / LANES, y, 0) + to % LANES;
            for x in 0..narrow.width {
                pair(wide_row + 2 * x * LANES, narrow_row + x * LANES);
            }
        }
    }
}

/// Writes the shortcut of a block's input.
pub(crate) fn shortcut(input: &[f32], wide: Layout, out: &mut [f32], narrow: Layout) {
    out.fill(0.0);
    each_pair(wide, narrow, |from, to| {
        out[to..to + GROUP].copy_from_slice(&input[from..from + GROUP]);
    });
}

/// Writes the gradient of a block's input through the shortcut.
pub(crate) fn gradient(of_output: &[f32], narrow: Layout, out: &mut [f32], wide: Layout) {
    out.fill(0.0);
    each_pair(wide, narrow, |to, from| {
        out[to..to + GROUP].copy_from_slice(&of_output[from..from + GROUP]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_move_up_and_pixels_thin_out() {
        let wide = Layout::plain(16, 4, 6).bordered();
        let narrow = Layout::plain(32, 2, 3);
        let mut input = vec![0.0; wide.len()];
        input[wide.at(0, 2, 4) + 5] = 7.0;
        input[wide.at(0, 2, 3) + 5] = 9.0;
        let mut out = vec![1.0; narrow.len()];
        shortcut(&input, wide, &mut out, narrow);
        // Channel 5 becomes 13; pixel (2, 4) becomes (1, 2); pixel (2, 3) is skipped.
        assert_eq!(out[narrow.at(0, 1, 2) + 13], 7.0);
        assert_eq!(out.iter().sum::<f32>(), 7.0);
        let mut back = vec![1.0; wide.len()];
        gradient(&out, narrow, &mut back, wide);
        assert_eq!(back[wide.at(0, 2, 4) + 5], 7.0);
        assert_eq!(back.iter().sum::<f32>(), 7.0);
    }
}
