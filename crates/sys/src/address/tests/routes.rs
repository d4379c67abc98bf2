//! What reading the state of the network costs on a machine with many routes, and that the cheap way chooses alike.

use super::*;

fn add_many_routes() {
    let routes = (0..100_000_u32).map(|n| {
        let [_, a, b, c] = n.to_be_bytes();
        format!("route add 10.{a}.{b}.{c}/32 dev left")
    });
    let routes = routes.collect::<Vec<_>>().join("\n");
    let mut batch = Command::new("ip");
    let mut batch =
        batch.args(["-batch", "-"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut batch.stdin.take().unwrap(), routes.as_bytes()).unwrap();
    assert!(batch.wait().unwrap().success());
}

#[test]
fn renewal_beside_many_routes_costs_a_fraction_of_a_full_snapshot() {
    isolated(|| {
        add_many_routes();
        let mut addresses = Addresses::open().unwrap();
        let wish = [wanted("192.0.2.50"), wanted("fd00::50")];
        let begin = Instant::now();
        add(&mut addresses, &wish);
        let picture = begin.elapsed();
        let begin = Instant::now();
        for _ in 0..10 {
            assert_eq!(addresses.renew(&wish, LIFETIME).unwrap(), [Presence::Ours; 2]);
        }
        let renewal = begin.elapsed() / 10;
        println!("the picture of everything takes {picture:?}, a renewal {renewal:?}");
        assert!(renewal < picture / 5, "{renewal:?} beside {picture:?}");
    });
}

#[test]
fn neighbourhood_beside_many_routes_costs_a_fraction_of_a_full_snapshot() {
    isolated(|| {
        add_many_routes();
        ip("route add 172.16.0.0/12 dev right");
        let mut addresses = Addresses::open().unwrap();
        let wishes = ["192.0.2.50", "fd00::50", "172.17.0.1", "198.51.100.1"].map(wanted);
        let begin = Instant::now();
        let whole = addresses.network().unwrap();
        let picture = begin.elapsed();
        let begin = Instant::now();
        let near = addresses.neighbourhood(&wishes).unwrap();
        let part = begin.elapsed();
        println!("the picture of everything takes {picture:?}, that of the neighbourhood {part:?}");
        assert!(part < picture / 5, "{part:?} beside {picture:?}");
        for wish in &wishes {
            assert_eq!(choose(wish, &near), choose(wish, &whole), "{wish:?}");
        }
        addresses.remove(&wishes).unwrap();
        addresses.find(&wishes).unwrap();
    });
}

#[test]
fn neighbourhood_leads_to_the_same_choice_as_the_full_snapshot() {
    isolated(|| {
        for line in [
            "link add third type veth peer name fourth",
            "link set fourth up",
            "link set third up",
            "address add 10.1.0.1/16 dev third",
            "address add 198.18.0.9/32 dev lo",
            "route add default via 192.0.2.9",
            // Without an address in the network, with a longer network in it, and hidden behind a gateway.
            "route add 172.16.0.0/12 dev right",
            "route add 10.1.2.0/24 dev right",
            "route add 198.18.0.0/15 dev right",
            "route add 198.18.4.0/24 via 192.0.2.9",
            "-6 route add fd01::/48 dev right",
            // Already present.
            "address add 192.0.2.77/24 dev left",
            "address add 172.30.0.1/14 dev right",
            // Another table is not read.
            "route add 203.0.113.0/24 dev right table 77",
        ] {
            ip(line);
        }
        let named =
            |ip: &str, name: &str| Wanted { interface: Some(name.to_owned()), ..wanted(ip) };
        let mut wishes: Vec<_> = [
            "192.0.2.50",
            "192.0.2.77",
            "172.17.0.1",
            "172.30.0.1",
            "10.1.2.3",
            "10.1.3.3",
            "198.18.0.9",
            "198.18.4.1",
            "203.0.113.1",
            "8.8.8.8",
            "fd00::5",
            "fd01::5",
            "fd02::5",
        ]
        .map(wanted)
        .into();
        for name in ["left", "right", "third", "fifth"] {
            wishes.extend(
                ["10.1.2.3", "172.17.0.1", "192.0.2.77", "fd01::5"].map(|it| named(it, name)),
            );
        }
        let mut addresses = Addresses::open().unwrap();
        let whole = addresses.network().unwrap();
        for wish in wishes {
            let near = addresses.neighbourhood(std::slice::from_ref(&wish)).unwrap();
            assert_eq!(choose(&wish, &near), choose(&wish, &whole), "{wish:?}");
        }
    });
}
