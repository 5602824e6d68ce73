//! The conformance kit, on the plugin as it is linked into this program.

eos_registry::check_oversampler!(eos_plugin_gan::ENTRY);
