package ingress

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"unicode/utf8"
)

// check says whether a body is of the webhook's data type and within its limits.
func (w *Webhook) check(contentType string, body []byte) error {
	switch w.DataType {
	case JSON:
		return checkJSON(body, w.Limits)
	case Form:
		return checkForm(contentType, body)
	case XML:
		return checkXML(contentType, body, w.Limits.Depth)
	case Text:
		return checkText(contentType, body)
	default: // Blob
		return nil
	}
}

func checkForm(contentType string, body []byte) error {
	media, parameters, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && media == "application/x-www-form-urlencoded":
		return checkURLEncoded(body)
	case err == nil && media == "multipart/form-data":
		return checkMultipart(parameters["boundary"], body)
	default:
		return errContentType("want Content-Type application/x-www-form-urlencoded or multipart/form-data")
	}
}

// checkURLEncoded finds a percent sign that escapes nothing.
func checkURLEncoded(body []byte) error {
	for i, c := range body {
		if c == '%' && (i+2 >= len(body) || !hexDigit(body[i+1]) || !hexDigit(body[i+2])) {
			return errMalformed("the body is not a form: a %% without two hexadecimal digits at byte %d", i)
		}
	}
	return nil
}

func checkMultipart(boundary string, body []byte) error {
	if boundary == "" {
		return errContentType("Content-Type multipart/form-data without a boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 1; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) && n > 1 { // RFC 2046 section 5.1 wants at least one part
			return nil
		}
		if err == nil {
			_, err = io.Copy(io.Discard, part)
		}
		if err != nil {
			return errMalformed("the body is not a form: part %d is not well-formed", n)
		}
	}
}

func checkText(contentType string, body []byte) error {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(media, "text/") {
		return errContentType("want Content-Type text/plain or another text type")
	}
	switch charset := strings.ToLower(parameters["charset"]); {
	case charset == "", charset == "utf-8", charset == "us-ascii":
		if !utf8.Valid(body) {
			return errMalformed("the body is not valid UTF-8")
		}
	case charset == "utf-16", charset == "utf-16le", charset == "utf-16be":
		if len(body)%2 != 0 {
			return errMalformed("the body is not valid UTF-16: an odd number of bytes")
		}
	case !oneByteCharset(charset):
		return errContentType("an unknown charset; want utf-8, utf-16, iso-8859-1 or windows-1252")
	}
	return nil
}

// oneByteCharset knows the charsets in which every byte is a character, and ASCII is itself.
func oneByteCharset(charset string) bool {
	switch charset {
	case "iso-8859-1", "latin1", "iso-8859-15", "windows-1252", "cp1252":
		return true
	default:
		return false
	}
}
