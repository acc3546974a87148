//! An application that picked smol.

use anynet::runtime::smol;

async fn greeted() -> anynet::Result<String> {
    let network = smol::network()?;
    let address = greeter::start(&network, ([127, 0, 0, 1], 0).into()).await?;
    greeter::ask(&network, address, "smol").await
}

fn main() -> anynet::Result<()> {
    println!("{}", smol::run(greeted())??);
    Ok(())
}

#[test]
fn it_is_greeted() {
    assert_eq!(smol::run(greeted()).unwrap().unwrap(), "Hello, smol");
}

/// On the current runtime too, although the other application turned the other runtime on.
#[test]
fn it_is_greeted_on_the_current_runtime() {
    let greeted = async {
        let network = anynet::network()?;
        assert_eq!(anynet::Runtime::name(network.runtime()), "smol");
        let address = greeter::start(&network, ([127, 0, 0, 1], 0).into()).await?;
        greeter::ask(&network, address, "smol").await
    };
    assert_eq!(smol::run(greeted).unwrap().unwrap(), "Hello, smol");
}
