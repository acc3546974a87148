//! The document of the conformance suite says what its catalogue says.

use std::path::Path;

use anynet_conformance::Catalogue;

#[test]
fn the_document_is_written_from_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let expected = Catalogue::read().unwrap().markdown();
    if std::env::var_os("ANYNET_BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "docs/conformance.md is out of date: run this test with ANYNET_BLESS=1"
    );
}
