use std::io::BufRead;
fn main() {
    for line in std::io::stdin().lock().lines() {
        let v: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let n = vigie_watcher::classify::plain::notice(v["id"].as_str().unwrap(), v["title"].as_str().unwrap(), v["text"].as_str().unwrap());
        println!("{}", serde_json::to_string(&vigie_watcher::classify::classify(&n)).unwrap());
    }
}
