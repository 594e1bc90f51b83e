"""What a follow-up may lean on."""

from support import make_answer

from ragqa.followups import Turn, context

LORA = Turn("what is LoRA?", (("LoRA",),), ("LoRA is a method.",))
OTHER = Turn("who founded Anthropic?", (("Labs",),), ("Two siblings.",))


def test_of_an_answer_its_citations_are_kept_and_whether_the_question_leant():
    answer = make_answer(question="why? (LoRA)", quote="It is.", heading=("LoRA", "Why"))
    assert Turn.of("why?", answer) == Turn("why? (LoRA)", (("LoRA", "Why"),), ("It is.",), True)
    assert not Turn.of("why? (LoRA)", answer).used_context


def test_nothing_is_kept_of_passages_that_were_near_where_nothing_is_cited():
    turn = Turn.of("what?", make_answer(answered=False, citations=(), text=""))
    assert (turn.headings, turn.quotes) == ((), ())


def test_turns_that_were_answered_are_leant_on_in_order():
    assert context([LORA, OTHER]) == [LORA, OTHER]
    assert context([]) == []


def test_a_follow_up_without_an_answer_leaves_what_was_spoken_of_before():
    assert context([LORA, Turn("who made it? (LoRA)", used_context=True)]) == [LORA]


def test_a_question_without_an_answer_that_stood_alone_leaves_nothing():
    assert context([LORA, Turn("how do I prune roses?")]) == []
    assert context([LORA, Turn("how do I prune roses?"), OTHER]) == [OTHER]
