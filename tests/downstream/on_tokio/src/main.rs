//! An application that picked tokio.

use anynet::runtime::tokio;

async fn greeted() -> anynet::Result<String> {
    let network = tokio::network()?;
    let address = greeter::start(&network, ([127, 0, 0, 1], 0).into()).await?;
    greeter::ask(&network, address, "tokio").await
}

fn main() -> anynet::Result<()> {
    println!("{}", tokio::run(greeted())??);
    Ok(())
}

#[test]
fn it_is_greeted() {
    assert_eq!(tokio::run(greeted()).unwrap().unwrap(), "Hello, tokio");
}

/// On the current runtime too, although the other application turned the other runtime on.
#[test]
fn it_is_greeted_on_the_current_runtime() {
    let greeted = async {
        let network = anynet::network()?;
        assert_eq!(anynet::Runtime::name(network.runtime()), "tokio");
        let address = greeter::start(&network, ([127, 0, 0, 1], 0).into()).await?;
        greeter::ask(&network, address, "tokio").await
    };
    assert_eq!(tokio::run(greeted).unwrap().unwrap(), "Hello, tokio");
}
