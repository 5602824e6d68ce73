//! Compiles the runtime and every program of kernels, each with its planted mistakes, for the processor.
//!
//! Each variant is a file of its own that includes the kernels inside a namespace of its own. Where no C++ compiler is
//! found nothing is compiled, and the crate says so at run time.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

#[allow(dead_code)] // the crate reads the rest
#[path = "src/plants.rs"]
mod plants;

use plants::{PLANTS, PROGRAMS, Plant, Source};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo:rustc-check-cfg=cfg(eos_emulated)");
    for watched in ["build.rs", "src/plants.rs", "shim", "kernels"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    // A folder that is not there would be rebuilt for every time: watch what would hold it.
    let backend = Path::new("../eos-cuda/kernels");
    let watched = backend.ancestors().find(|folder| folder.exists());
    println!(
        "cargo:rerun-if-changed={}",
        watched.expect("the folder of crates exists").display()
    );

    let mut rust = String::from("&[");
    if has_compiler(&out) {
        println!("cargo:rustc-cfg=eos_emulated");
        let mut build = compiler();
        let mut table = String::from("#include \"shim.h\"\n");
        let mut cases = String::new();
        for (number, (program, plant)) in variants().enumerate() {
            let main = match plant {
                None => absolute(program.main),
                Some(plant) => planted(program, plant, &out),
            };
            let file = out.join(format!("variant_{number}.cpp"));
            fs::write(&file, wrapped(number, &main)).expect("OUT_DIR can be written");
            build.file(file);
            let _ = writeln!(
                table,
                "extern \"C\" const shim::Kernel* eos_emu_variant_{number}();"
            );
            let _ = writeln!(
                cases,
                "    case {number}: return eos_emu_variant_{number}();"
            );
            let _ = write!(rust, "({:?}, {:?}),", program.name, plant.map(|p| p.name));
        }
        let _ = write!(
            table,
            "extern \"C\" const shim::Kernel* eos_emu_kernels(size_t variant) {{\n    \
             switch (variant) {{\n{cases}    default: return nullptr;\n    }}\n}}\n"
        );
        let file = out.join("variants.cpp");
        fs::write(&file, table).expect("OUT_DIR can be written");
        build.file(file).warnings(false).compile("eos_emu_kernels");
        // Last, so that the linker finds here what the kernels lack.
        compiler()
            .file("shim/runtime.cpp")
            .warnings(true)
            .extra_warnings(true)
            .compile("eos_emu_runtime");
    }
    rust.push(']');
    fs::write(out.join("variants.rs"), rust).expect("OUT_DIR can be written");
}

/// Programs whose kernels are there, each as written and with each of its mistakes.
fn variants() -> impl Iterator<Item = (&'static Source, Option<&'static Plant>)> {
    let present = PROGRAMS.iter().filter(|p| Path::new(p.main).exists());
    present.flat_map(|program| {
        let plants = PLANTS.iter().filter(|plant| plant.program == program.name);
        std::iter::once(None)
            .chain(plants.map(Some))
            .map(move |plant| (program, plant))
    })
}

fn compiler() -> cc::Build {
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .opt_level(2)
        .debug(false)
        .include("shim")
        .define("EOS_EMULATED", None)
        .flag("-ffp-contract=off")
        .flag("-fno-math-errno")
        .flag("-fno-exceptions")
        .flag("-fno-rtti");
    build
}

/// Whether a compiler is there that speaks C++17 in the way of GCC and has its headers.
fn has_compiler(out: &Path) -> bool {
    let unix = env::var_os("CARGO_CFG_UNIX").is_some();
    let Ok(tool) = compiler().try_get_compiler() else {
        return false;
    };
    let probe = out.join("probe.cpp");
    fs::write(&probe, "#include <vector>\nint main() {}\n").expect("OUT_DIR can be written");
    let status = tool
        .to_command()
        .arg("-fsyntax-only")
        .arg(&probe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    unix && !tool.is_like_msvc() && status.is_ok_and(|status| status.success())
}

/// A file that is one variant: its kernels in a namespace, and the function that lists them.
fn wrapped(number: usize, main: &Path) -> String {
    format!(
        "#include \"shim.h\"\n\
         namespace variant_{number} {{\n\
         static const shim::Kernel* kernels = nullptr;\n\
         #define EOS_KERNELS kernels\n\
         #include {main:?}\n\
         }}\n\
         extern \"C\" const shim::Kernel* eos_emu_variant_{number}() {{ return variant_{number}::kernels; }}\n"
    )
}

/// Copies a program's folder with a mistake in it; the copy's main file.
fn planted(program: &Source, plant: &Plant, out: &Path) -> PathBuf {
    let main = absolute(program.main);
    let folder = main.parent().expect("a file lies in a folder");
    let copy = out.join(format!("{}-{}", program.name, plant.name));
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(&copy).expect("OUT_DIR can be written");
    let mut found = false;
    for entry in fs::read_dir(folder).expect("the kernels' folder can be read") {
        let path = entry.expect("the kernels' folder can be read").path();
        let name = path.file_name().expect("an entry has a name");
        if !path.is_file() {
            continue;
        }
        let mut text = fs::read_to_string(&path).expect("a kernel's file is text");
        if name == plant.file {
            found = true;
            let times = text.matches(plant.from).count();
            assert!(
                times == 1,
                "plant {} of {}: {:?} occurs {times} times in {}, not once",
                plant.name,
                program.name,
                plant.from,
                plant.file
            );
            text = text.replace(plant.from, plant.to);
        }
        fs::write(copy.join(name), text).expect("OUT_DIR can be written");
    }
    assert!(
        found,
        "plant {} of {}: no file {}",
        plant.name, program.name, plant.file
    );
    copy.join(main.file_name().expect("a file has a name"))
}

fn absolute(path: &str) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
