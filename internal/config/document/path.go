package document

import "strconv"

// Join gives the path of a key.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Index gives the path of an element.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
