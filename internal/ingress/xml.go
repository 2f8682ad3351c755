package ingress

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"
)

// checkXML says whether a body is one well-formed XML element. A document type is refused: it is what entities, and
// with them the attacks on parsers behind us, are declared in.
func checkXML(contentType string, body []byte, maxDepth int) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasSuffix(media, "/xml") && !strings.HasSuffix(media, "+xml") {
		return errContentType("want Content-Type application/xml, text/xml or one that ends in +xml")
	}
	decoder := xml.NewDecoder(bytes.NewReader(body))
	decoder.CharsetReader = charsetReader
	return (&xmlWalk{maxDepth: maxDepth}).run(decoder)
}

// xmlWalk goes through the tokens of a document.
type xmlWalk struct {
	depth, maxDepth, roots int
}

func (w *xmlWalk) run(decoder *xml.Decoder) error {
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && w.roots == 1 {
			return nil
		}
		if problem := w.step(token, err); problem != "" {
			line, column := decoder.InputPos()
			return errMalformed("the body is not XML that is accepted here: line %d, column %d: %s", line, column, problem)
		}
	}
}

// step says what is wrong with the next token, or with the end.
func (w *xmlWalk) step(token xml.Token, err error) string {
	if errors.Is(err, io.EOF) {
		return "there is no element"
	}
	if err != nil {
		return "it is not well-formed"
	}
	switch t := token.(type) {
	case xml.StartElement:
		if w.depth++; w.depth > w.maxDepth {
			return fmt.Sprintf("more than %d levels", w.maxDepth)
		}
		if w.depth == 1 {
			w.roots++
		}
	case xml.EndElement:
		w.depth--
	case xml.Directive:
		return "a document type"
	case xml.CharData:
		if w.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
			return "text outside of the element"
		}
	}
	if w.roots > 1 {
		return "more than one element"
	}
	return ""
}

// charsetReader reads the charsets in which a byte is a character. Which one it is does not matter here.
func charsetReader(charset string, input io.Reader) (io.Reader, error) {
	if !oneByteCharset(strings.ToLower(charset)) {
		return nil, errors.New("unknown charset")
	}
	return oneByteReader{input}, nil
}

type oneByteReader struct{ input io.Reader }

// Read gives each byte as the UTF-8 of the character of that number, which takes at most two bytes.
func (r oneByteReader) Read(p []byte) (int, error) {
	raw := make([]byte, len(p)/2)
	n, err := r.input.Read(raw)
	out := p[:0]
	for _, b := range raw[:n] {
		out = utf8.AppendRune(out, rune(b))
	}
	return len(out), err
}
