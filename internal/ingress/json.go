package ingress

import (
	"bytes"
	"strconv"
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
	switch s.peek() {
	case '{':
		return s.object()
	case '[':
		return s.array()
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

func (s *scanner) object() string {
	more, problem := s.open('}')
	for more && problem == "" {
		if problem = s.name(); problem != "" {
			break
		}
		if problem = s.value(); problem != "" {
			break
		}
		more, problem = s.next('}')
	}
	return problem
}

func (s *scanner) array() string {
	more, problem := s.open(']')
	for more && problem == "" {
		if problem = s.value(); problem != "" {
			break
		}
		more, problem = s.next(']')
	}
	return problem
}

// open goes to the first item of the object or array at pos, and says whether there is one.
func (s *scanner) open(end byte) (more bool, problem string) {
	if s.depth++; s.depth > s.maxDepth {
		return false, "more than " + strconv.Itoa(s.maxDepth) + " levels"
	}
	s.pos++
	if s.space(); s.peek() != end {
		return true, ""
	}
	s.pos++
	s.depth--
	return false, ""
}

// next goes behind an item and to the next one, and says whether there is one.
func (s *scanner) next(end byte) (more bool, problem string) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		s.space()
		return true, ""
	case end:
		s.pos++
		s.depth--
		return false, ""
	default:
		return false, "expected , or " + string(end)
	}
}

// name reads the name of a member and goes to its value.
func (s *scanner) name() string {
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
	return ""
}

// text reads a string, with the quote at pos.
func (s *scanner) text() string {
	s.pos++
	start := s.pos
	for {
		s.plain()
		switch c := s.peek(); {
		case c == '"':
			if s.pos-start > s.maxText {
				return "a string of more than " + strconv.Itoa(s.maxText) + " bytes"
			}
			s.pos++
			return ""
		case c == '\\':
			if problem := s.escape(); problem != "" {
				return problem
			}
		case s.pos == len(s.data):
			return "a string without an end"
		case c < ' ':
			return "a control character in a string"
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return "a byte that is not UTF-8"
			}
			s.pos += size
		}
	}
}

// plain goes over the characters of a string that need no second look. Most of a body is made of them.
func (s *scanner) plain() {
	for i, c := range s.data[s.pos:] {
		if c == '"' || c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			s.pos += i
			return
		}
	}
	s.pos = len(s.data)
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
