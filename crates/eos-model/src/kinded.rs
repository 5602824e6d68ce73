//! Values that a configuration writes as the name of their kind alone, or as a table with more:
//! `"focal"` or `{ kind = "focal", gamma = 2 }`.

use serde::{Deserialize, Deserializer};

/// Serde of an enum that derives it with `tag = "kind"` and `remote = "Self"`.
macro_rules! kinded {
    ($type:ident) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $type::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Kinded;

                impl<'de> serde::de::Visitor<'de> for Kinded {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a name, or a table with `kind`")
                    }

                    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<$type, E> {
                        let table = std::iter::once(("kind", name));
                        $type::deserialize(serde::de::value::MapDeserializer::new(table))
                    }

                    fn visit_map<A>(self, table: A) -> Result<$type, A::Error>
                    where
                        A: serde::de::MapAccess<'de>,
                    {
                        $type::deserialize(serde::de::value::MapAccessDeserializer::new(table))
                    }
                }

                deserializer.deserialize_any(Kinded)
            }
        }
    };
}

pub(crate) use kinded;

/// For variants without fields, beside whose `kind` serde would let anything stand.
pub(crate) fn no_fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}
