"""What is asked at the door with every temperature, by whichever room asks it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from api.foundation.labels import Labelled


class Symptom(Labelled):
    """What is asked with every temperature (domain 3.5)."""

    fever = "fever", "发热"
    dry_cough = "dry_cough", "干咳"
    fatigue = "fatigue", "乏力"
    sore_throat = "sore_throat", "咽痛"
    smell_taste_loss = "smell_taste_loss", "嗅（味）觉减退"
    diarrhoea = "diarrhoea", "腹泻"
    nasal_congestion = "nasal_congestion", "鼻塞"
    runny_nose = "runny_nose", "流涕"
    conjunctivitis = "conjunctivitis", "结膜炎"
    myalgia = "myalgia", "肌肉酸痛"
    dyspnea = "dyspnea", "呼吸困难"
    chest_tightness = "chest_tightness", "胸闷"
    nausea_vomiting = "nausea_vomiting", "恶心呕吐"
    headache = "headache", "头痛"


def _each_once(symptoms: list[Symptom]) -> list[Symptom]:
    return list(dict.fromkeys(symptoms))


Symptoms = Annotated[
    list[Symptom],
    Field(max_length=len(Symptom), description="症状；没有则为空列表"),
    AfterValidator(_each_once),
]
