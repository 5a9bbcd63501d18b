//! Rows as files of the field write them.

use vigie_domain::Place;

use super::*;

/// A structure of that kind, with its activity (NAF) and its town.
pub(crate) fn listed(
    siret: &str,
    name: &str,
    kind: StructureKind,
    naf: &str,
    (city, postcode): (&str, &str),
) -> Structure {
    Structure {
        siret: siret.into(),
        name: name.into(),
        kind,
        sectors: Vec::new(),
        departments: Department::of_postcode(postcode).into_iter().collect(),
        place: Some(Place { city: Some(city.into()), postcode: Some(postcode.into()), nuts: None }),
        naf: Some(naf.into()),
    }
}

#[test]
fn rows_of_every_shape_are_read_with_their_lines() {
    let csv = rows("SIRET;Nom;Type;Departement\n123 456 789 00012;Atelier;EI;59\n").unwrap();
    let entry = structure(&csv[0]).unwrap();
    assert_eq!((csv[0].line, entry.siret.as_str(), entry.departments[0].as_str()), (2, "12345678900012", "59"));
    let json = rows("{\"siren\": 123456789, \"name\": \"Ville\"}\n\n{\"siren\": \"12\", \"name\": \"X\"}\n").unwrap();
    assert_eq!(buyer(&json[0]).unwrap().siren, "123456789");
    let years =
        rows("siren;name;from;to\n123456789;Ville;2024;2026\n123456789;Ville;2026;2024\n123456789;Ville;;x\n").unwrap();
    let read = buyer(&years[0]).unwrap();
    assert_eq!((read.from, read.to), (Some(2024), Some(2026)));
    assert!(buyer(&years[1]).is_err() && buyer(&years[2]).is_err());
    assert_eq!((json[1].line, buyer(&json[1]).is_err()), (3, true));
    let list = rows("[{\"territory\": \"PLIE\", \"departments\": [\"59\", \"62\"], \"email\": \"a@b.fr\"}]").unwrap();
    assert_eq!(facilitator(&list[0]).unwrap().departments.len(), 2);
}

/// A17: post codes that a spreadsheet spoiled subscribed people to all of France.
#[test]
fn what_a_spreadsheet_took_away_is_put_back_and_what_is_no_code_is_refused() {
    let read = |columns: &str, values: &str| {
        let text = format!("siret;nom;type;{columns}\n12345678900012;Atelier;EI;{values}\n");
        structure(&rows(&text).unwrap()[0])
    };
    for (columns, values, department) in [
        ("code_postal", "1310", "01"),
        ("code_postal", "'01310", "01"),
        ("code_postal", "’01310", "01"),
        ("post_code", "59000", "59"),
        ("departement", "1", "01"),
        ("departement", "'02", "02"),
        ("departement;code_postal", "2A;ABCDE", "2A"),
    ] {
        assert_eq!(read(columns, values).unwrap().departments[0].as_str(), department, "{values}");
    }
    for (columns, values) in [
        ("code_postal", "ABCDE"),
        ("code_postal", "131"),
        ("code_postal", "1,31E+03"),
        ("departement", "Nord-Ouest"),
        ("departement", "0"),
    ] {
        let why = read(columns, values).unwrap_err();
        assert!(why.contains(values), "{why}");
    }
    assert!(read("code_postal", "").unwrap().departments.is_empty(), "nothing written is nothing asked");
    let spoiled = rows("siret,nom,type\n\"2,15904E+13\",Atelier,EI\n").unwrap();
    assert!(structure(&spoiled[0]).unwrap_err().contains("SIRET"));
}

#[test]
fn a_contact_that_reaches_nobody_is_refused_and_a_lost_zero_put_back() {
    let read = |columns: &str, values: &str| {
        let text = format!("territoire;departements;{columns}\nPLIE;59;{values}\n");
        facilitator(&rows(&text).unwrap()[0]).map(|f| f.contact)
    };
    for (columns, values, contact) in [
        ("email", "a@b.fr", "a@b.fr"),
        ("telephone", "320000000", "0320000000"),
        ("phone", "03 20 00 00 00", "03 20 00 00 00"),
        ("phone", "+33 (0)3.20.00.00.00", "+33 (0)3.20.00.00.00"),
        ("contact", "Jeanne, à l’accueil", "Jeanne, à l’accueil"),
    ] {
        assert_eq!(read(columns, values).as_deref(), Ok(contact), "{values}");
    }
    for (columns, values) in [("email", "pas un mail"), ("phone", "javascript:x"), ("telephone", "12")] {
        assert!(read(columns, values).unwrap_err().contains(values), "{values}");
    }
}

#[test]
fn what_a_spreadsheet_writes_by_default_is_read() {
    let row = "siret\tnom\ttype\n12345678900012\tAtelier d'été\tEI\n";
    let windows: Vec<u8> = row.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(row.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [row.as_bytes(), &windows, &wide] {
        let read = rows(&charset::decode_xml(bytes)).unwrap();
        assert_eq!(structure(&read[0]).unwrap().name, "Atelier d'été");
    }
}

#[test]
fn a_row_that_cannot_be_read_says_why() {
    let bad = rows("siret,name,kind\n12,Atelier,EI\n12345678900012,Atelier,SARL\n12345678900012,,EI\n").unwrap();
    let why: Vec<String> = bad.iter().map(|r| structure(r).unwrap_err()).collect();
    assert!(why[0].contains("SIRET") && why[1].contains("SARL") && why[2].contains("name"), "{why:?}");
}

/// Attack: what spreadsheets leave around a table is no row, and a workbook under the name of a table is called what it is.
#[test]
fn empty_rows_are_none_and_a_workbook_is_no_table() {
    for text in [
        "siret;nom;type\n;;\n12345678900012;Atelier;EI\n;;;;\n",
        "siret;nom;type\n\n \t; ;\n12345678900012;Atelier;EI\n",
        "siret,nom,type\n12345678900012,Atelier,EI\n,,\n\"\",\"\",\" \"\n",
    ] {
        let read = rows(text).unwrap();
        assert_eq!(read.len(), 1, "{text:?}");
        assert_eq!(structure(&read[0]).unwrap().name, "Atelier");
    }
    assert!(rows("PK\u{3}\u{4}\u{14}xl/workbook.xml").is_err_and(|why| why.contains("CSV")));
}

/// A18: a number with a typing error in it is somebody else's, or nobody's.
#[test]
fn a_number_whose_key_is_wrong_is_told() {
    let doubts = |columns: &str, number: &str| {
        mistyped(&rows(&format!("{columns};nom\n{number};Atelier\n")).unwrap()[0]).is_some()
    };
    for (columns, right, wrong) in [
        ("siret", "73282932000074", "73282932000075"),
        ("siret", "732 829 320 00074", "732 829 230 00074"),
        ("siren", "732829320", "732829330"),
        ("siret", "35600000009075", "35600000009076"),
    ] {
        assert!(!doubts(columns, right), "{right}");
        assert!(doubts(columns, wrong), "{wrong}");
    }
    assert!(!doubts("siret", "") && !doubts("nature", "EI"));
}
