// Asks Go's own regexp: for each pattern on standard input, whether it compiles and which ids it
// matches. With the argument "folds" it prints every character that has another case.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"unicode"
)

type question struct {
	Pattern string
	IDs     []string
}

type answer struct {
	Refusal string
	Found   string
}

func ask(q question) answer {
	compiled, err := regexp.Compile(q.Pattern)
	if err != nil {
		return answer{Refusal: err.Error()}
	}
	found := make([]byte, len(q.IDs))
	for i, id := range q.IDs {
		found[i] = '0'
		if compiled.MatchString(id) {
			found[i] = '1'
		}
	}
	return answer{Found: string(found)}
}

func folds() {
	for char := rune(0); char <= unicode.MaxRune; char++ {
		if unicode.SimpleFold(char) != char {
			fmt.Println(char)
		}
	}
}

func main() {
	if len(os.Args) > 1 {
		folds()
		return
	}
	questions := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	answers := json.NewEncoder(out)
	for questions.More() {
		var q question
		if err := questions.Decode(&q); err != nil {
			panic(err)
		}
		if err := answers.Encode(ask(q)); err != nil {
			panic(err)
		}
	}
}
