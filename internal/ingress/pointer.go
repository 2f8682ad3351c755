package ingress

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// lookup gives the string, number or boolean that a JSON pointer (RFC 6901) names in a valid JSON text, as text. When
// a name stands in an object more than once the last one counts, as in encoding/json.
func lookup(text []byte, pointer string) (string, bool) {
	s := scanner{data: text, maxDepth: math.MaxInt, maxText: math.MaxInt}
	s.space()
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer != "" && !s.enter(unescapeToken(token)) {
			return "", false
		}
	}
	return s.scalar()
}

// unescapeToken undoes the escapes of RFC 6901 section 4, in its order.
func unescapeToken(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}

// enter goes to the value of a name or an index in the object or array at pos.
func (s *scanner) enter(token string) bool {
	switch s.peek() {
	case '{':
		return s.enterObject(token)
	case '[':
		return s.enterArray(token)
	default:
		return false
	}
}

func (s *scanner) enterObject(name string) bool {
	found := -1
	for more, _ := s.open('}'); more; more, _ = s.next('}') {
		start := s.pos
		s.text()
		quoted := s.data[start:s.pos]
		s.pos = start
		s.name()
		if unquote(quoted) == name {
			found = s.pos
		}
		s.value()
	}
	s.pos = found
	return found >= 0
}

func (s *scanner) enterArray(index string) bool {
	found, at := -1, 0
	for more, _ := s.open(']'); more; more, _ = s.next(']') {
		if strconv.Itoa(at) == index {
			found = s.pos
		}
		at++
		s.value()
	}
	s.pos = found
	return found >= 0
}

// scalar is the value at pos, unless it is null, an object or an array.
func (s *scanner) scalar() (string, bool) {
	start := s.pos
	switch s.peek() {
	case '{', '[', 'n':
		return "", false
	case '"':
		s.text()
		return unquote(s.data[start:s.pos]), true
	default:
		s.value()
		return string(s.data[start:s.pos]), true
	}
}

// unquote gives what a JSON string says.
func unquote(quoted []byte) string {
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return "" // the text is valid
	}
	return text
}
