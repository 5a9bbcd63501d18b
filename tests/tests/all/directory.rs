//! The directories: imported from files, used for profiles, shown on alerts.

use std::process::{Command, Output};

use vigie_tests::servers::vigie;
use vigie_tests::shared;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = format!(
            "[store]\nurl = \"sqlite:{}\"\n[[subscriber]]\nname = \"Écran\"\nconsole = true\n[[subscriber.subscription]]\ncadence = \"instant\"\n",
            dir.path().join("d.sqlite").display()
        );
        std::fs::write(dir.path().join("vigie.toml"), config).unwrap();
        Self { dir }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(vigie());
        command.args(args).arg("-c").arg(self.dir.path().join("vigie.toml"));
        command.env("VIGIE_NOW", "2026-11-21T09:00:00+01:00").env_remove("VIGIE_CONFIG").output().unwrap()
    }

    fn text(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }
}

#[test]
fn a_structure_of_the_directory_lends_its_profile_to_a_subscription() {
    let bench = Bench::new();
    let file = bench.file("annuaire.csv", "siret;nom;type;secteurs;departement\n123 456 789 00012;Atelier du Nord;EI;nettoyage-de-locaux-16;59\n12;Sans siret;EI;;59\n123 456 789 00012;Atelier du Nord;EI;nettoyage-de-locaux-16;59\n");
    let said = bench.text(&["directory", "import", "structures", &file]);
    let counted = "2\u{a0}lignes lues, dont 1 qui en répète une autre, 1\u{a0}refusée";
    assert!(said.contains(counted) && said.contains("annuaire.csv:3 : « 12 »"), "{said}");
    bench.text(&["subscriptions", "add", "--email", "a@atelier.example", "--siret", "12345678900012", "--confirmed"]);
    let list = bench.text(&["subscriptions", "list"]);
    assert!(
        list.contains("Atelier du Nord") && list.contains("Nettoyage de locaux") && list.contains("Nord (59)"),
        "{list}"
    );
    let unknown = bench.run(&["subscriptions", "add", "--email", "b@atelier.example", "--siret", "99999999900012"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("annuaire"));
    // Colleagues of an organisation that no directory lists are known by its SIRET.
    let facilitator = ["--role", "facilitator", "--siret", "21620498300010", "--department", "62", "--confirmed"];
    bench.text(
        &[&["subscriptions", "add", "--email", "h@ville.example", "--name", "Hélène"][..], &facilitator].concat(),
    );
    let list = bench.text(&["subscriptions", "list"]);
    let line = list.lines().find(|l| l.contains("Hélène")).unwrap();
    assert!(line.contains("(en service)") && !line.contains("active") && !line.contains("instant"), "{line}");
}

#[test]
fn a_lead_reaches_those_it_concerns_with_the_facilitator_of_its_territory() {
    let bench = Bench::new();
    let file = bench.file(
        "facilitateurs.csv",
        "territory,departments,name,email\nPLIE du Valenciennois,59|62,Mme Exemple,clauses@plie.example\n",
    );
    bench.text(&["directory", "import", "facilitators", &file]);
    let args = [
        "leads",
        "add",
        "--public",
        "--title",
        "Entretien des bureaux du siège",
        "--buyer",
        "Groupe Exemple",
        "--private",
        "--department",
        "59",
        "--text",
        "Marché réservé aux entreprises adaptées et aux ESAT.",
        "--deadline",
        "12/01/2027 à 12h",
    ];
    assert!(bench.text(&args).contains("1\u{a0}personne"));
    assert!(bench.text(&args).contains("déjà connue"));
    let sent = bench.text(&["run", "--once", "--role", "deliver"]);
    assert!(sent.contains("Entretien des bureaux du siège"), "{sent}");
    assert!(
        sent.contains("Facilitateur des clauses\u{a0}: Mme Exemple, PLIE du Valenciennois (clauses@plie.example)"),
        "{sent}"
    );
}

#[test]
fn the_real_directory_is_imported_whole() {
    let Some(path) = shared::data("data/directory/siae_real_2021.jsonl") else { return };
    let bench = Bench::new();
    let said = bench.text(&["directory", "import", "structures", &path.display().to_string()]);
    let last = said.lines().last().unwrap_or_default();
    let taken: usize = last.split(char::is_whitespace).next().and_then(|n| n.parse().ok()).unwrap_or(0);
    assert!(taken as f64 > 0.99 * 3_853.0, "{last}\n{}", said.lines().take(5).collect::<Vec<_>>().join("\n"));
}
