//! NVRTC, NVIDIA's compiler as a library. It needs no GPU and no toolkit.

use anyhow::{Context, Result, bail};
use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};

/// The version whose PTX every driver from 525 on can compile. A newer one writes PTX that those refuse.
const PINNED: (i32, i32) = (12, 0);
/// Its build, which it tells in the PTX alone. Another build of 12.0 may write other bytes.
const BUILD: &str = "V12.0.140";
/// How to get it.
pub const HOW: &str = "pip download --no-deps nvidia-cuda-nvrtc-cu12==12.0.140, unzip the wheel, and give \
                       nvidia/cuda_nvrtc/lib/libnvrtc.so.12 with --nvrtc or in EOS_NVRTC";
const NAME: &str = "libnvrtc.so.12";
const BUILTINS: &str = "libnvrtc-builtins.so.12.0";

type Program = *mut c_void;
type Status = c_int;

/// The library, loaded.
pub struct Nvrtc {
    library: Library,
    /// It opens these by name; loaded first, they are found wherever they lie.
    _builtins: Option<Library>,
}

/// What a compilation gave.
pub struct Compiled {
    /// PTX, or machine code.
    pub code: Vec<u8>,
    /// The assembler's report, where it was asked for.
    pub log: String,
}

impl Nvrtc {
    /// The library at `path`, or one that the system finds; `None` where there is none.
    pub fn load(path: Option<&Path>) -> Result<Option<Self>> {
        let given = path
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("EOS_NVRTC").map(PathBuf::from));
        let beside = given.as_deref().and_then(Path::parent);
        // SAFETY: NVIDIA's library runs no code of its own when it is loaded.
        let builtins =
            beside.and_then(|folder| unsafe { Library::new(folder.join(BUILTINS)) }.ok());
        let name = given.clone().unwrap_or_else(|| NAME.into());
        // SAFETY: as above.
        let library = match (unsafe { Library::new(&name) }, given) {
            (Ok(library), _) => library,
            (Err(_), None) => return Ok(None),
            (Err(error), Some(given)) => bail!("{} cannot be loaded: {error}", given.display()),
        };
        let nvrtc = Self {
            library,
            _builtins: builtins,
        };
        let version = nvrtc.version()?;
        if version != PINNED {
            bail!(
                "{} is NVRTC {}.{}, the kernels are compiled by {}.{}: {HOW}",
                name.display(),
                version.0,
                version.1,
                PINNED.0,
                PINNED.1
            );
        }
        Ok(Some(nvrtc))
    }

    fn version(&self) -> Result<(i32, i32)> {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the function's signature in nvrtc.h.
        unsafe {
            let version = self
                .library
                .get::<unsafe extern "C" fn(*mut c_int, *mut c_int) -> Status>(b"nvrtcVersion")?;
            check(version(&mut major, &mut minor), "nvrtcVersion")?;
        }
        Ok((major, minor))
    }

    /// Compiles a source file with these options; machine code for an `sm_` architecture, PTX else.
    pub fn compile(&self, file: &Path, architecture: &str) -> Result<Compiled> {
        let source =
            CString::new(std::fs::read(file).with_context(|| file.display().to_string())?)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = CString::new(name.as_bytes())?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let machine_code = architecture.starts_with("sm_");
        let mut options = vec![
            format!("--gpu-architecture={architecture}"),
            format!("--include-path={}", folder.display()),
            "--fmad=false".to_owned(),
            "-default-device".to_owned(),
            "-std=c++17".to_owned(),
        ];
        if machine_code {
            options.push("--ptxas-options=-v".to_owned());
        }
        let options: Vec<CString> = options
            .into_iter()
            .map(CString::new)
            .collect::<Result<_, _>>()?;
        let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program: Program = std::ptr::null_mut();
        type Create = unsafe extern "C" fn(
            *mut Program,
            *const c_char,
            *const c_char,
            c_int,
            *const *const c_char,
            *const *const c_char,
        ) -> Status;
        type Compile = unsafe extern "C" fn(Program, c_int, *const *const c_char) -> Status;
        type Destroy = unsafe extern "C" fn(*mut Program) -> Status;
        // SAFETY: the functions' signatures in nvrtc.h; strings and options live until the program is destroyed.
        unsafe {
            let create = self.library.get::<Create>(b"nvrtcCreateProgram")?;
            let compile = self.library.get::<Compile>(b"nvrtcCompileProgram")?;
            let destroy = self.library.get::<Destroy>(b"nvrtcDestroyProgram")?;
            let none = std::ptr::null();
            let made = create(&mut program, source.as_ptr(), name.as_ptr(), 0, none, none);
            check(made, "nvrtcCreateProgram")?;
            let status = compile(program, options.len() as c_int, options.as_ptr());
            let log = self.part(program, b"nvrtcGetProgramLogSize", b"nvrtcGetProgramLog")?;
            let log = text(&log);
            if status != 0 {
                bail!(
                    "{} does not compile for {architecture}:\n{log}",
                    file.display()
                );
            }
            let mut code = match machine_code {
                true => self.part(program, b"nvrtcGetCUBINSize", b"nvrtcGetCUBIN")?,
                false => self.part(program, b"nvrtcGetPTXSize", b"nvrtcGetPTX")?,
            };
            if !machine_code {
                code = text(&code).into_bytes();
            }
            check(destroy(&mut program), "nvrtcDestroyProgram")?;
            if !machine_code {
                built_by(&String::from_utf8_lossy(&code))?;
            }
            Ok(Compiled { code, log })
        }
    }

    /// One of a program's results: its size, then its bytes.
    ///
    /// # Safety
    /// The functions take a program and a size, and a program and room for so many bytes.
    unsafe fn part(&self, program: Program, size: &[u8], get: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = 0usize;
        // SAFETY: the caller's word.
        unsafe {
            type Size = unsafe extern "C" fn(Program, *mut usize) -> Status;
            type Get = unsafe extern "C" fn(Program, *mut c_char) -> Status;
            let size = self.library.get::<Size>(size)?;
            check(size(program, &mut bytes), "asking for a size")?;
            let mut out = vec![0u8; bytes.max(1)];
            let get = self.library.get::<Get>(get)?;
            check(get(program, out.as_mut_ptr().cast()), "asking for a result")?;
            Ok(out)
        }
    }
}

/// Refuses PTX of another build than the pinned one.
fn built_by(ptx: &str) -> Result<()> {
    let tools = ptx
        .lines()
        .find(|line| line.contains("Cuda compilation tools"));
    let build = tools.and_then(|line| line.rsplit(' ').next());
    match build {
        Some(BUILD) => Ok(()),
        other => bail!(
            "NVRTC's build is {}, the kernels are compiled by {BUILD}: {HOW}",
            other.unwrap_or("unknown")
        ),
    }
}

/// Text up to its zero byte.
fn text(bytes: &[u8]) -> String {
    let text = CStr::from_bytes_until_nul(bytes).unwrap_or_default();
    text.to_string_lossy().into_owned()
}

fn check(status: Status, what: &str) -> Result<()> {
    match status {
        0 => Ok(()),
        status => bail!("NVRTC failed in {what} with status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_build_is_refused_and_told_how_to_get_the_pinned_one() {
        let ptx = |build: &str| {
            format!("//\n// Cuda compilation tools, release 12.0, {build}\n.version 8.0\n")
        };
        assert!(built_by(&ptx(BUILD)).is_ok());
        for other in [ptx("V12.0.76"), String::new()] {
            let told = built_by(&other).expect_err("it is another").to_string();
            assert!(told.contains("nvidia-cuda-nvrtc-cu12==12.0.140"), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_no_library_is_told_by_name() {
        let missing = Path::new("no/such/libnvrtc.so.12");
        let told = Nvrtc::load(Some(missing)).err().expect("it is missing");
        assert!(
            told.to_string().contains("no/such/libnvrtc.so.12"),
            "{told}"
        );
    }
}
