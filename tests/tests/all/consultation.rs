//! `vigie read`: pieces of a consultation handed to the real program, which opens each in a process of its own.

use std::path::Path;
use std::process::Command;

use vigie_tests::servers::vigie;

const NOTICE: &str = "Nettoyage des locaux de la mairie\nClause d’insertion : 500 heures à réaliser par le titulaire.\nDépartement 59.\n";
const CCAP: &str = "CAHIER DES CLAUSES ADMINISTRATIVES PARTICULIÈRES\n\nArticle 5 – Insertion\n\nLe titulaire réserve 800 heures de travail à des personnes éloignées de l’emploi.\nChaque heure d’insertion non réalisée donne lieu à une pénalité de 30 €.\n";

fn read(dir: &Path, line: &[&str]) -> String {
    let out = Command::new(vigie()).arg("read").args(line).current_dir(dir).output().unwrap();
    assert!(out.status.success(), "{line:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).replace(['\u{a0}', '\u{202f}'], " ")
}

#[test]
fn a_piece_is_quoted_searched_and_held_against_its_notice() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ccap.txt"), CCAP).unwrap();
    std::fs::write(dir.path().join("avis.txt"), NOTICE).unwrap();
    let told = read(dir.path(), &["ccap.txt", "--notice", "avis.txt"]);
    for words in ["800 heures", "Le titulaire réserve 800 heures de travail", "pénalité de 30 €", "500"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let found = read(dir.path(), &["ccap.txt", "--find", "pénalité"]);
    assert!(found.contains("pénalité de 30 €"), "{found}");
    read(dir.path(), &["ccap.txt", "--answer", "reponse.docx"]);
    assert!(std::fs::read(dir.path().join("reponse.docx")).unwrap().starts_with(b"PK"));
}
