//! `cargo xtask ci`: installs what the tests need, then allows no skip.

use xshell::{Cmd, Shell, cmd};

use crate::{Result, programs, test};

pub(crate) fn run(sh: &Shell) -> Result<bool> {
    if let Err(error) = install_missing(sh) {
        println!("could not install: {error}"); // the first stage names what is still missing
    }
    test::run(sh, true)
}

fn install_missing(sh: &Shell) -> Result {
    let packages: Vec<_> = programs::missing().map(|program| program.package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    as_root(sh, "apt-get update --quiet".split(' '))?.run()?;
    let install = "apt-get install --quiet --yes --no-install-recommends".split(' ');
    as_root(sh, install.chain(packages))?.run()?;
    Ok(())
}

/// A command that asks no questions, run by `sudo` where we are somebody else.
fn as_root<'a>(sh: &'a Shell, words: impl Iterator<Item = &'a str>) -> Result<Cmd<'a>> {
    let is_root = cmd!(sh, "id -u").quiet().read()? == "0";
    let env = if is_root || !programs::on_path("sudo") {
        cmd!(sh, "env")
    } else {
        cmd!(sh, "sudo env")
    };
    Ok(env.arg("DEBIAN_FRONTEND=noninteractive").args(words))
}
