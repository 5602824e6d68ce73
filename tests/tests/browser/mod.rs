//! A headless Chromium, where one is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The browser on PATH.
pub fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut files = names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |dir| dir.join(name)));
    files.find(|file| file.is_file())
}

/// Opens a page in a window of some width and returns what it prints with further arguments.
pub fn open(browser: &Path, page: &Path, width: u32, arguments: &[String]) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},900"))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", browser.display());
    String::from_utf8(output.stdout).unwrap()
}

/// What a page prints of itself once its scripts have run.
pub fn dom(browser: &Path, page: &Path) -> String {
    open(browser, page, 1200, &["--dump-dom".to_owned()])
}

/// Attribute `name` of a page's root.
pub fn root(dom: &str, name: &str) -> String {
    let start = dom.find("<html").unwrap();
    let tag = &dom[start..start + dom[start..].find('>').unwrap()];
    let value = tag.split(&format!("{name}=\"")).nth(1);
    let value = value.unwrap_or_else(|| panic!("no {name} in {tag}"));
    value.split('"').next().unwrap().to_owned()
}

/// Pixels that a page is wider than a phone.
pub fn overflow_on_a_phone(browser: &Path, page: &Path) -> i32 {
    // A window of Chromium is no narrower than 500 pixels; a frame within a page is.
    let text = std::fs::read_to_string(page).unwrap();
    let quoted = text.replace('&', "&amp;").replace('"', "&quot;");
    let script = "onload=\"const page = this.contentDocument.documentElement; \
        document.documentElement.setAttribute('data-phone', page.scrollWidth - page.clientWidth)\"";
    let frame = format!(
        "<!doctype html><html><iframe width=390 height=800 style=\"border:0\" {script} srcdoc=\"{quoted}\"></iframe></html>"
    );
    let folder = tempfile::tempdir().unwrap();
    let phone = folder.path().join("phone.html");
    std::fs::write(&phone, frame).unwrap();
    root(&dom(browser, &phone), "data-phone").parse().unwrap()
}

/// Refuses a page that would load anything.
pub fn loads_nothing(page: &str) {
    // The name space of SVG is a name, nothing that is fetched.
    let rest = page.replace("http://www.w3.org/2000/svg", "");
    for address in [
        "http://",
        "https://",
        "src=\"//",
        "href=\"//",
        "url(",
        "@import",
    ] {
        assert!(!rest.contains(address), "'{address}' in the page");
    }
}
