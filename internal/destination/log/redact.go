package log

import (
	"slices"
	"strings"
)

const redacted = "[REDACTED]"

// sensitive says whether the name of a header, key or field looks as if its value were secret: whether it contains one
// of the words, whatever its case, with - for _. It rather hides too much ("author") than too little.
func sensitive(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	return slices.ContainsFunc(sensitiveWords(), func(word string) bool { return strings.Contains(name, word) })
}

func sensitiveWords() []string {
	return []string{
		"password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "auth", "credential", "private_key", "privatekey",
		"session", "cookie", "ssn", "credit_card", "creditcard", "database_url", "db_url", "connection_string", "conn_string",
		"connection_details",
	}
}
