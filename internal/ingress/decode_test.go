package ingress

import (
	"errors"
	"strings"
	"testing"
)

func TestDataTypes(t *testing.T) {
	const (
		form      = "application/x-www-form-urlencoded"
		multipart = `multipart/form-data; boundary=b`
		parts     = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"
	)
	tests := []struct {
		rule        string
		dataType    DataType
		contentType string
		body        string
		status      int // 0: accepted
	}{
		{"a blob is any bytes", Blob, "", "\x00\xff", 0},
		{"a blob may be empty", Blob, "", "", 0},
		{"json has any content type", JSON, "text/plain", "{}", 0},

		{"a form is accepted", Form, form + "; charset=utf-8", "a=1&b=%20+&c", 0},
		{"an empty form is accepted", Form, form, "", 0},
		{"a form with an escape that is none is refused", Form, form, "a=100%", 400},
		{"a form with half an escape is refused", Form, form, "a=%2", 400},
		{"a multipart form is accepted", Form, multipart, parts, 0},
		{"a multipart form without an end is refused", Form, multipart, parts[:20], 400},
		{"a multipart form without parts is refused", Form, multipart, "a=1", 400},
		{"a multipart form without a boundary is refused", Form, "multipart/form-data", parts, 415},
		{"another content type is no form", Form, "application/json", "a=1", 415},
		{"no content type is no form", Form, "", "a=1", 415},

		{"xml is accepted", XML, "application/xml", "<?xml version=\"1.0\"?>\n<a x='1'><b>&lt;</b><!-- c --></a>\n", 0},
		{"xml by the end of its type too", XML, "application/soap+xml; charset=utf-8", "<a/>", 0},
		{"xml in a charset of one byte", XML, "text/xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", 0},
		{"xml in an unknown charset is refused", XML, "text/xml", "<?xml version=\"1.0\" encoding=\"EBCDIC\"?><a/>", 400},
		{"xml as another type is refused", XML, "application/json", "<a/>", 415},
		{"xml that is not well-formed is refused", XML, "text/xml", "<a><b></a></b>", 400},
		{"xml that ends too early is refused", XML, "text/xml", "<a>", 400},
		{"xml without an element is refused", XML, "text/xml", " ", 400},
		{"xml with two elements is refused", XML, "text/xml", "<a/><b/>", 400},
		{"xml with text outside is refused", XML, "text/xml", "<a/>b", 400},
		{"xml that is too deep is refused", XML, "text/xml", strings.Repeat("<a>", 51), 400},
		{"xml with a document type is refused", XML, "text/xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", 400},
		{"xml with an unknown entity is refused", XML, "text/xml", "<a>&b;</a>", 400},
		{"xml that is not UTF-8 is refused", XML, "text/xml", "<a>\xff</a>", 400},

		{"text is accepted", Text, "text/plain", "h\xc3\xa9", 0},
		{"text that is not UTF-8 is refused", Text, "text/plain; charset=UTF-8", "\xff", 400},
		{"text in its charset is accepted", Text, "text/plain; charset=windows-1252", "\xff", 0},
		{"text in half a character is refused", Text, "text/plain; charset=utf-16", "abc", 400},
		{"text in an unknown charset is refused", Text, "text/plain; charset=ebcdic", "abc", 415},
		{"text as another type is refused", Text, "application/json", "abc", 415},
		{"text as a type that is none is refused", Text, "text/;;", "abc", 415},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			w := webhook(func(w *Webhook) { w.DataType = test.dataType })
			err := w.check(test.contentType, []byte(test.body))
			status := 0
			if r, ok := errors.AsType[*rejection](err); ok {
				status = r.status
			}
			if status != test.status || err != nil && status == 0 {
				t.Errorf("got %v, want status %d", err, test.status)
			}
		})
	}
}

func FuzzXML(f *testing.F) {
	f.Add([]byte("<?xml version=\"1.0\" encoding=\"latin1\"?><a b='c'>\xe9<d/></a>"))
	f.Add([]byte("<!DOCTYPE a><a/>"))
	f.Add([]byte("<a>&#x0;</a>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		err := checkXML("text/xml", body, 10)
		if _, ok := errors.AsType[*rejection](err); err != nil && !ok {
			t.Errorf("not a rejection: %v", err)
		}
	})
}
