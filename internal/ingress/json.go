package ingress

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// checkJSON says whether a body is one JSON value (RFC 8259) in UTF-8 within the limits. It reads the body once and
// allocates nothing when it is.
func checkJSON(body []byte, limits Limits) error {
	s := scanner{data: body, maxDepth: limits.Depth, maxText: limits.String}
	problem := s.document()
	if problem == "" {
		return nil
	}
	line, column := position(body, min(s.pos, len(body)))
	return errMalformed("the body is not JSON that is accepted here: line %d, column %d: %s", line, column, problem)
}

// position is the line and the column in characters of an offset, both counted from 1.
func position(body []byte, offset int) (line, column int) {
	before := body[:offset]
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}

// scanner walks over a JSON text. Its methods leave pos behind what they read and return a problem, or "" when there is
// none; pos then is where the problem is. No problem quotes the text.
type scanner struct {
	data              []byte
	pos               int
	depth             int
	maxDepth, maxText int
}

func (s *scanner) document() string {
	if bytes.HasPrefix(s.data, []byte("\xef\xbb\xbf")) {
		return "a byte order mark"
	}
	if s.space(); s.pos == len(s.data) {
		return "it is empty"
	}
	if problem := s.value(); problem != "" {
		return problem
	}
	if s.space(); s.pos < len(s.data) {
		return "something follows the value"
	}
	return ""
}

func (s *scanner) value() string {
	switch c := s.peek(); c {
	case '{':
		return s.nested((*scanner).member, '}')
	case '[':
		return s.nested((*scanner).value, ']')
	case '"':
		return s.text()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// nested reads an object or an array of items, with the bracket at pos.
func (s *scanner) nested(item func(*scanner) string, end byte) string {
	if s.depth++; s.depth > s.maxDepth {
		return fmt.Sprintf("more than %d levels", s.maxDepth)
	}
	s.pos++
	if s.space(); s.peek() == end {
		s.pos++
		s.depth--
		return ""
	}
	for {
		if problem := item(s); problem != "" {
			return problem
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case end:
			s.pos++
			s.depth--
			return ""
		default:
			return "expected , or " + string(end)
		}
	}
}

func (s *scanner) member() string {
	if s.peek() != '"' {
		return "expected a member's name"
	}
	if problem := s.text(); problem != "" {
		return problem
	}
	if s.space(); s.peek() != ':' {
		return "expected :"
	}
	s.pos++
	s.space()
	return s.value()
}

// text reads a string, with the quote at pos.
func (s *scanner) text() string {
	start := s.pos + 1
	for s.pos = start; s.pos < len(s.data); {
		switch c := s.data[s.pos]; {
		case c == '"':
			if s.pos-start > s.maxText {
				return fmt.Sprintf("a string of more than %d bytes", s.maxText)
			}
			s.pos++
			return ""
		case c == '\\':
			if problem := s.escape(); problem != "" {
				return problem
			}
		case c < ' ':
			return "a control character in a string"
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return "a byte that is not UTF-8"
			}
			s.pos += size
		}
	}
	return "a string without an end"
}

// escape reads an escape sequence, with the backslash at pos.
func (s *scanner) escape() string {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return ""
	case 'u':
		for range 4 {
			if s.pos++; !hexDigit(s.peek()) {
				return "expected four hexadecimal digits"
			}
		}
		s.pos++
		return ""
	default:
		return "an unknown escape sequence"
	}
}

func (s *scanner) literal(word string) string {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return "expected a value"
	}
	s.pos += len(word)
	return ""
}

func (s *scanner) number() string {
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case digit(c):
		s.digits()
	default:
		return "expected a value"
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return "expected a digit"
		}
	}
	if c := s.peek(); c != 'e' && c != 'E' {
		return ""
	}
	s.pos++
	if c := s.peek(); c == '+' || c == '-' {
		s.pos++
	}
	if !s.digits() {
		return "expected a digit"
	}
	return ""
}

// digits reads as many as there are and says whether there are any.
func (s *scanner) digits() bool {
	start := s.pos
	for digit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek is the byte at pos; 0, which JSON has nowhere, at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func hexDigit(c byte) bool { return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
