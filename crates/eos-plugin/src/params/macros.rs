//! The macros that declare parameters.

/// Declares a method's parameters once: a struct, its description for hosts and its parser.
///
/// A line is `name: type = default, min m, max m, "what it does";` with the types `int` ([`i64`]),
/// `float` ([`f64`]), `bool`, `text` ([`String`]) and `choice(E)`, where `E` is an enum made by
/// [`choice!`](crate::choice!). Underscores of the name are hyphens in the key.
///
/// ```
/// use eos_plugin::params::Parameters;
/// use eos_plugin::{choice, params};
///
/// choice! {
///     /// What to do with a class of one row.
///     #[derive(PartialEq)]
///     pub enum Lonely {
///         /// Repeat it.
///         Repeat = "repeat",
///         /// Refuse.
///         Refuse = "refuse",
///     }
/// }
/// params! {
///     /// What the method takes.
///     pub struct Params {
///         k: int = 5, min 1, "neighbours to look at";
///         lonely_class: choice(Lonely) = "repeat", "what to do with a class of one row";
///     }
/// }
///
/// let params = Params::parse("k = 3").unwrap();
/// assert!(params.k == 3 && params.lonely_class == Lonely::Repeat);
/// let error = Params::parse("k = 0").unwrap_err();
/// assert_eq!(error.to_string(), "parameter 'k' is 0; it is at least 1");
/// assert_eq!(
///     Params::DESCRIPTION,
///     r#"[k]
/// type = "int"
/// default = 5
/// min = 1
/// doc = "neighbours to look at"
///
/// [lonely-class]
/// type = "choice"
/// default = "repeat"
/// choices = ["repeat", "refuse"]
/// doc = "what to do with a class of one row"
/// "#
/// );
/// ```
#[macro_export]
macro_rules! params {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $field:ident : $kind:ident $(( $choice:ty ))? = $default:literal
                $(, min $min:literal)? $(, max $max:literal)? , $doc:literal ;
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $(
                #[doc = $doc]
                pub $field: $crate::__param_type!($kind $(($choice))?),
            )*
        }

        impl $crate::params::Parameters for $name {
            const FIELDS: &'static [$crate::params::Field] = &[$(
                $crate::params::Field {
                    name: stringify!($field),
                    kind: $crate::__param_kind!(
                        $kind $(($choice))?, $default, ($($min)?), ($($max)?)
                    ),
                    doc: $doc,
                },
            )*];

            const DESCRIPTION: &'static str = {
                const FIELDS: &[$crate::params::Field] =
                    <$name as $crate::params::Parameters>::FIELDS;
                const BYTES: [u8; $crate::params::length(FIELDS)] =
                    $crate::params::render(FIELDS);
                match ::core::str::from_utf8(&BYTES) {
                    Ok(text) => text,
                    Err(_) => panic!("a description is made of text"),
                }
            };

            fn parse(lines: &str) -> ::core::result::Result<Self, $crate::Error> {
                let values = $crate::params::parse(Self::FIELDS, lines)?;
                #[allow(unused_mut, unused_variables)]
                let mut values = values.into_iter();
                Ok(Self {
                    $($field: values
                        .next()
                        .and_then($crate::params::FromValue::from_value)
                        .expect("parse returns a checked value for each field"),)*
                })
            }
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                <Self as $crate::params::Parameters>::parse("")
                    .expect("defaults stand in the declaration")
            }
        }
    };
}

/// Declares an enum whose variants stand for words, for the type `choice` of
/// [`params!`](crate::params!).
#[macro_export]
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant, )+
        }

        impl $crate::params::Choice for $name {
            const NAMES: &'static [&'static str] = &[$($word),+];

            fn from_name(name: &str) -> ::core::option::Option<Self> {
                match name {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::params::FromValue for $name {
            fn from_value(value: $crate::params::Value) -> ::core::option::Option<Self> {
                match value {
                    $crate::params::Value::Text(word) => {
                        <Self as $crate::params::Choice>::from_name(&word)
                    }
                    _ => None,
                }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __param_type {
    (int) => {
        i64
    };
    (float) => {
        f64
    };
    (bool) => {
        bool
    };
    (text) => {
        ::std::string::String
    };
    (choice($choice:ty)) => {
        $choice
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __param_kind {
    (int, $default:literal, ($($min:literal)?), ($($max:literal)?)) => {
        $crate::params::Kind::Int($crate::__param_range!($default, ($($min)?), ($($max)?)))
    };
    (float, $default:literal, ($($min:literal)?), ($($max:literal)?)) => {
        $crate::params::Kind::Float($crate::__param_range!($default, ($($min)?), ($($max)?)))
    };
    (bool, $default:literal, (), ()) => {
        $crate::params::Kind::Bool { default: $default }
    };
    (text, $default:literal, (), ()) => {
        $crate::params::Kind::Text { default: $default }
    };
    (choice($choice:ty), $default:literal, (), ()) => {
        $crate::params::Kind::Choice {
            default: $crate::params::one_of($default, <$choice as $crate::params::Choice>::NAMES),
            choices: <$choice as $crate::params::Choice>::NAMES,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __param_range {
    ($default:literal, ($($min:literal)?), ($($max:literal)?)) => {
        $crate::params::Range {
            default: $crate::__param_literal!($default),
            min: $crate::__param_limit!($($min)?),
            max: $crate::__param_limit!($($max)?),
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __param_literal {
    ($value:literal) => {
        $crate::params::Literal {
            value: $value,
            text: stringify!($value),
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __param_limit {
    () => {
        ::core::option::Option::None
    };
    ($value:literal) => {
        ::core::option::Option::Some($crate::__param_literal!($value))
    };
}
