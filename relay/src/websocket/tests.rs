use super::*;

const MASK: [u8; 4] = [1, 2, 3, 4];

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | u8::try_from(payload.len()).unwrap()];
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// What is heard when the bytes come in pieces of a size.
fn heard(bytes: &[u8], piece: usize) -> Result<Vec<String>, Closing> {
    let mut hearing = Hearing::default();
    let mut all = Vec::new();
    for bytes in bytes.chunks(piece) {
        hearing.hear(bytes, Rules { message_max: 20, inflates: false }, |heard| {
            all.push(format!("{heard:?}"));
            true
        })?;
    }
    assert!(hearing.0.is_none(), "nothing is kept of what is over");
    Ok(all)
}

#[test]
fn messages_are_the_same_in_pieces_of_any_size() {
    let bytes = [
        frame(0x81, b"hello"),
        frame(0x82, &[0xff]),
        frame(0x01, "gr\u{fc}n".as_bytes().split_at(3).0),
        frame(0x89, b"there?"),
        frame(0x00, "gr\u{fc}n".as_bytes().split_at(3).1),
        frame(0x80, b"!"),
        frame(0x8a, b""),
        frame(0x88, &1000_u16.to_be_bytes()),
    ]
    .concat();
    let expected = [
        r#"Text("hello")"#,
        "Binary([255])",
        "Ping([116, 104, 101, 114, 101, 63])",
        r#"Text("grün!")"#,
        "Pong",
        "Close(Some(1000))",
    ];
    for piece in 1..=bytes.len() {
        assert_eq!(heard(&bytes, piece).unwrap(), expected);
    }
}

#[test]
fn what_is_wrong_is_told_by_its_beginning() {
    let cases: [(&[u8], Closing); 9] = [
        (&[0x81, 2, b'h', b'i'], Closing::Malformed),
        (&[0xc1, 0x80, 0, 0, 0, 0], Closing::Malformed),
        (&[0x83, 0x80, 0, 0, 0, 0], Closing::Malformed),
        (&[0x09, 0x80, 0, 0, 0, 0], Closing::Malformed),
        (&[0x89, 0xfe, 0, 126, 0, 0, 0, 0], Closing::Malformed),
        (&[0x80, 0x80, 0, 0, 0, 0], Closing::Malformed),
        (&[0x81, 0x95, 0, 0, 0, 0], Closing::TooBig),
        (&[0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], Closing::Malformed),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], Closing::NotUtf8),
    ];
    for (bytes, why) in cases {
        assert_eq!(heard(bytes, bytes.len()), Err(why), "{bytes:x?}");
    }
    let too_long_in_all = [frame(0x01, &[b'x'; 20]), frame(0x80, b"x")].concat();
    assert_eq!(heard(&too_long_in_all, 7), Err(Closing::TooBig));
}

#[test]
fn close_codes_are_those_that_may_be_sent() {
    assert_eq!(close_code(&[]), Ok(None));
    assert_eq!(close_code(&[3]), Err(Closing::Malformed));
    for (code, expected) in [(1000, Ok(Some(1000))), (4999, Ok(Some(4999))), (1005, Err(Closing::Malformed))] {
        assert_eq!(close_code(&u16::to_be_bytes(code)), expected);
    }
    assert_eq!(close_code(&[0x03, 0xe8, 0xff]), Err(Closing::NotUtf8));
}
