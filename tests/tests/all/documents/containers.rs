//! `packaging/`: what the image and the compose file run is run here without an engine; what they name is there.

use std::process::Child;
use std::time::{Duration, Instant};

use super::*;
use vigie_tests::servers::{Postgres, python};

/// What stands after an instruction of the Containerfile, each time.
fn instructions<'a>(file: &'a str, name: &str) -> Vec<&'a str> {
    file.lines().filter_map(|l| l.trim().strip_prefix(name)?.strip_prefix(' ')).map(str::trim).collect()
}

fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{json}: {e}"))
}

/// A service that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_image_and_the_compose_file_run_what_there_is() {
    let Some(python) = python() else { return vigie_tests::shared::skip("no Python (run scripts/test-setup)") };
    let read = Command::new(python)
        .arg(Path::new(ROOT).join("tests/servers/read_yaml.py"))
        .arg(Path::new(ROOT).join("packaging/compose.yaml"))
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", text(&read.stderr));
    let compose: Value = serde_json::from_slice(&read.stdout).unwrap();
    let image = document("packaging/Containerfile").replace("\\\n", " ");

    // What is copied into the image is there; it runs without root.
    for copied in instructions(&image, "COPY").into_iter().filter(|c| !c.starts_with("--from")) {
        let from = copied.split(' ').next().unwrap();
        assert!(Path::new(ROOT).join(from).exists(), "{copied}");
    }
    let user: u32 = instructions(&image, "USER")[0].parse().unwrap();
    assert!(user > 0);
    let service = &compose["services"]["vigie"];
    let built = Path::new(ROOT).join("packaging").join(service["build"]["context"].as_str().unwrap());
    assert!(built.join(service["build"]["dockerfile"].as_str().unwrap()).exists());

    // Each secret and volume that a service names is declared, and each service that another waits for says how it is.
    for (name, of) in compose["services"].as_object().unwrap() {
        for secret in of["secrets"].as_array().unwrap() {
            assert!(compose["secrets"][secret.as_str().unwrap()]["file"].is_string(), "{name}: {secret}");
        }
        for volume in of["volumes"].as_array().unwrap() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            assert!(
                from.starts_with("./") || compose["volumes"].as_object().unwrap().contains_key(from),
                "{name}: {volume}"
            );
        }
        for (other, how) in of["depends_on"].as_object().into_iter().flatten() {
            assert_eq!(how["condition"], "service_healthy");
            assert!(compose["services"][other]["healthcheck"]["test"].is_array(), "{name} waits for {other}");
        }
    }
    let guide = document("docs/quick-start.md");
    assert!(
        guide.contains(&format!("chown {user} config database.secret")),
        "the quick start gives the files to user {user}"
    );

    // The settings are made by the line of the quick start, with flags in the place of answers.
    let (Some(postgres), Some(smtp)) = (Postgres::start(), Smtp::start(&[])) else { return };
    let home = Home::new(smtp.port);
    let line = typed(&guide).into_iter().find(|l| l.starts_with("docker compose run --rm vigie init ")).unwrap();
    let database = "postgres://vigie@database/vigie";
    let of_database = &compose["services"]["database"]["environment"];
    assert_eq!((&of_database["POSTGRES_USER"], &of_database["POSTGRES_DB"]), (&"vigie".into(), &"vigie".into()));
    assert!(line.contains(database) && line.contains("/run/secrets/database"), "{line}");
    std::fs::write(home.path("database.secret"), "any\n").unwrap();
    let port = servers::free_port().unwrap();
    let port_text = port.to_string();
    let line = line
        .replace("docker compose run --rm ", "")
        .replace(database, &postgres.url)
        .replace("/run/secrets/database", "database.secret")
        .replace("0.0.0.0:8765", &format!("127.0.0.1:{port}"));
    let answers = "--organisation A --operator-name B --operator-email b@x.example --mail-host 127.0.0.1 --mail-port 25 --mail-tls none --mail-from v@x.example";
    home.must(&format!("{line} {answers} --dir ."));
    let settings = std::fs::read_to_string(home.path("vigie.toml")).unwrap();
    std::fs::write(home.path("vigie.toml"), settings.split("[[source]]").next().unwrap()).unwrap();

    // The image's command and its look at its own health, before and after.
    let healthy = || {
        let check = instructions(&image, "HEALTHCHECK")[0];
        let command = list(check.split_once("CMD ").unwrap().1);
        let args: Vec<String> = command[1..].iter().map(|a| a.replace("8765", &port_text)).collect();
        Command::new(&command[0]).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(!healthy(), "nothing runs yet");
    let command: Vec<String> = [instructions(&image, "ENTRYPOINT")[0], instructions(&image, "CMD").last().unwrap()]
        .iter()
        .flat_map(|l| list(l))
        .collect();
    assert_eq!(command[0], "vigie");
    let child = Command::new(vigie())
        .args(&command[1..])
        .current_dir(home.dir.path())
        .env("VIGIE_CONFIG", home.path("vigie.toml"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(child);
    let began = Instant::now();
    while !healthy() {
        assert!(began.elapsed() < Duration::from_secs(90), "never healthy");
        std::thread::yield_now();
    }
}
