use super::*;

#[test]
fn field_lookup_returns_first_of_equal_names() {
    let mut fields = Fields::default();
    fields.push_text("t", "status").unwrap();
    fields.push(Kind::Binary, "srcuuid", &[0; 16]).unwrap();
    fields.push_text("t", "other").unwrap();
    assert_eq!(fields.len(), 3);
    assert_eq!(fields.get("t").and_then(|field| field.text()), Some("status"));
    assert_eq!(fields.get("srcuuid").and_then(|field| field.text()), None);
    assert_eq!(fields.get("missing"), None);
    fields.clear();
    assert!(fields.is_empty());
}

#[test]
fn field_harmful_to_c_node_cannot_be_pushed() {
    let mut fields = Fields::default();
    for name in ["", "a=b", "a\nb", "a\0", "(1)a", "\u{e4}"] {
        assert_eq!(fields.push_text(name, "v"), Err(FieldError::Name), "{name:?}");
    }
    for value in ["\0", "a\x13b"] {
        assert_eq!(fields.push_text("n", value), Err(FieldError::Text));
    }
    assert!(fields.is_empty());
    assert_eq!(fields, Fields::default());
}

#[test]
fn list_field_round_trips_and_malformed_list_is_refused() {
    let mut fields = Fields::default();
    fields.push_list("l", [&b"abc"[..], b"d"]).unwrap();
    let field = fields.get("l").unwrap();
    assert_eq!(field.value, b"3:abc,1:d,");
    assert!(field.elements().eq([&b"abc"[..], b"d"]));
    for list in ["0:,", "3:abc", "3:ab,", "x", "3:a\0b,"] {
        let pushed = fields.push(Kind::List, "l", list.as_bytes());
        assert_eq!(pushed, Err(FieldError::List), "{list:?}");
    }
    let long = vec![b'x'; LIST_MAX];
    assert_eq!(fields.push_list("l", [&long[..]]), Err(FieldError::List));
}

#[test]
fn message_nested_beyond_maximum_depth_is_refused() {
    let mut message = Fields::default();
    message.push_text("a", "b").unwrap();
    for _ in 0..crate::DEPTH_MAX {
        let mut outer = Fields::default();
        outer.push_nested("child", &message).unwrap();
        assert_eq!(outer.get("child").unwrap().nested(), message);
        message = outer;
    }
    let mut outer = Fields::default();
    assert_eq!(outer.push_nested("child", &message), Err(FieldError::Nested));
    assert!(outer.is_empty());
}

#[test]
fn message_with_maximum_field_count_refuses_another_field() {
    let mut fields = Fields::default();
    for _ in 0..FIELDS_MAX {
        fields.push_text("a", "b").unwrap();
    }
    assert_eq!(fields.push_text("a", "b"), Err(FieldError::Full));
}
