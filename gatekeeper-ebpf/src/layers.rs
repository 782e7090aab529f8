//! The block that runs once for each layer of a task.

/// Runs a block for each layer in use. Not a loop: the compiler counts those down in ways that the verifier
/// of Linux 6.1 can't follow.
macro_rules! each_layer {
    ($index:ident < $count:ident => $body:block) => {
        'layers: {
            $crate::layers::each_layer!($index, $count, 'layers, $body, 0 1 2 3 4 5 6 7);
        }
    };
    ($index:ident, $count:ident, $end:lifetime, $body:block, $($number:literal)*) => {
        $(
            if $number >= $count {
                break $end;
            }
            {
                const {
                    assert!($number < gatekeeper_common::limits::LAYERS);
                    assert!(gatekeeper_common::limits::LAYERS == 8);
                }
                let $index: usize = $number;
                $body
            }
        )*
    };
}

pub(crate) use each_layer;
