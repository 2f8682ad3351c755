package decode

import (
	"fmt"
	"strings"
)

// Nearest gives the word that somebody who wrote this one probably meant: at most a third of it may be wrong, and
// capitals, - and _ are never what is wrong. It is empty when there is none.
func Nearest(written string, words []string) string {
	best, nearest := len(written)/3+2, ""
	for _, word := range words {
		if d := distance(plain(written), plain(word)); d < best {
			best, nearest = d, word
		}
	}
	return nearest
}

// DidYouMean is the end of a message about an unknown word: the nearest one, or all when there are few.
func DidYouMean(written string, words []string) string {
	if nearest := Nearest(written, words); nearest != "" {
		return fmt.Sprintf(": did you mean %q?", nearest)
	}
	if len(words) == 0 {
		return ""
	}
	const few = 12
	if len(words) <= few {
		return ": want one of " + strings.Join(words, ", ")
	}
	return ""
}

func plain(word string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(word))
}

// distance is how many letters must be added, removed, replaced or swapped with their neighbour to make one word of
// the other (optimal string alignment).
func distance(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differs(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

func differs(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}
