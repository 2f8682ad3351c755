package verifytest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// constantTime reads the source of the package under test: how long a comparison takes cannot be measured reliably, but
// which function makes it can be seen.
func constantTime(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(content)
	}
	constant := regexp.MustCompile(`hmac\.Equal\(|subtle\.ConstantTimeCompare\(|[a-z]\w*\.Equal\(|ed25519\.Verify|ecdsa\.Verify|rsa\.Verify`)
	if !constant.MatchString(source.String()) {
		t.Error("nothing compares in constant time: use hmac.Equal, subtle.ConstantTimeCompare or the Equal of a secret")
	}
	leaky := regexp.MustCompile(`bytes\.Equal\(|bytes\.Compare\(|strings\.EqualFold\(|reflect\.DeepEqual\(`)
	if found := leaky.FindString(source.String()); found != "" {
		t.Errorf("%s tells by its time how much of a secret was right", found)
	}
}
