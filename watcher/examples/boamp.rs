fn main() {
    for f in std::env::args().skip(1) {
        let b = std::fs::read(&f).unwrap();
        if f.ends_with(".xml") {
            let t = vigie_watcher::tree::from_xml(&b).unwrap();
            let n = vigie_watcher::sources::boamp::from_xml_tree(&t);
            match n { Ok(n) => println!("{}", serde_json::to_string(&vigie_watcher::classify::classify(&n)).unwrap()), Err(e) => eprintln!("{f} {e}") }
        } else {
            let v: serde_json::Value = serde_json::from_slice(&b).unwrap();
            for r in vigie_watcher::sources::boamp::records(&v) {
                match vigie_watcher::sources::boamp::from_json(r) { Ok(n) => { eprintln!("{:#?}", n); println!("{}", serde_json::to_string(&vigie_watcher::classify::classify(&n)).unwrap())}, Err(e) => eprintln!("{f} {e}") }
            }
        }
    }
}
