//! The macro that runs a block once for each layer of a task.

/// Runs a block for the first `count` elements of an array with one element a layer. Not a loop: the compiler
/// counts those down in ways that the verifier of Linux 6.1 can't follow.
macro_rules! each_layer {
    ($index:ident, $element:ident of $array:expr, $count:ident => $body:block) => {
        'layers: {
            $crate::layers::each_layer!($index, $element, $array, $count, 'layers, $body, 0 1 2 3 4 5 6 7);
        }
    };
    (
        $index:ident, $element:ident, $array:expr, $count:ident, $end:lifetime, $body:block,
        $($number:literal)*
    ) => {
        $(
            if $number >= $count {
                break $end;
            }
            {
                const {
                    assert!($number < gatekeeper_common::limits::LAYERS);
                    assert!(gatekeeper_common::limits::LAYERS == 8);
                }
                let $index: u32 = $number;
                let $element = &$array[$number];
                $body
            }
        )*
    };
}

pub(crate) use each_layer;
