import type { StudyAnswer } from './study-model.ts'

/** A transcript, and a good model's answer, which partly uses its own words. */
export interface Lecture {
  language: string
  said: string
  study: StudyAnswer
}

const card = (quote: string, front: string, back: string) => ({ quote, front, back })
const ask = (quote: string, question: string, right: string, ...wrong: [string, string, string]) => ({
  quote,
  question,
  options: [right, ...wrong],
  correct_answer: 0,
})

export const bees: Lecture = {
  language: 'en',
  said: `Hello and welcome back. Today we want to find out how a honey bee tells her sisters where the food is. In nineteen forty-four
the Austrian biologist Karl von Frisch noticed something odd. He had put a dish of sugar water on a table, about 10 meters from the
hive, and a bee that had been there came home and ran in small circles on the comb. We call that the round dance. It only says that
there is food close by, in any direction. But when he moved the dish to 300 meters the dance looked different. Now the bee ran
straight ahead, shaking her body from side to side, then she turned and went back to where she began, once to the left and once to
the right, so that the whole thing looks like the number eight. This is the waggle dance. And the beautiful part is this. The longer
the straight run takes, the farther away the flowers are. One second of waggling means roughly one kilometer. The angle of the run
against the vertical is the angle between the flowers and the sun. If she dances straight up, fly towards the sun. If she dances
60 degrees to the left of straight up, fly 60 degrees to the left of the sun. But the sun moves, you will say. Yes, and the bee knows
it. A dancer who goes on for an hour in the dark hive slowly changes her angle, about 15 degrees, because she has a clock inside. It
took a long time until people believed that. In the sixties Adrian Wenner in California said that the other bees simply follow the
smell of the flowers. The matter was settled with radar. In 2005 a team in England glued tiny transponders of a few milligrams to
bees that had watched a dance, and released them somewhere else. They flew in the very direction that the dance had told them, to
where the food would have been, and there they began to search. So smell helps at the end, over the last meters. Frisch received the
Nobel prize in 1973, together with Konrad Lorenz and Nikolaas Tinbergen. Next time we talk about how a swarm votes on a new home.`,
  study: {
    flashcards: [
      card(
        'It only says that there is food close by, in any direction',
        'What does the round dance tell the other bees?',
        'That there is food nearby, but not in which direction.',
      ),
      card(
        'when he moved the dish to 300 meters the dance looked different',
        'How far away was the dish when Frisch first saw the waggle dance?',
        '300 meters from the hive.',
      ),
      card(
        'One second of waggling means roughly one kilometer',
        'How does the waggle dance encode distance?',
        'By the duration of the straight run: about one kilometer for each second.',
      ),
      card(
        'The angle of the run against the vertical is the angle between the flowers and the sun',
        'What does the angle of the straight run show?',
        'The direction of the flowers relative to the sun.',
      ),
      card(
        'because she has a clock inside',
        'Why does a dancer in the dark hive slowly change her angle?',
        'Her internal clock accounts for the movement of the sun.',
      ),
      card(
        'the other bees simply follow the smell of the flowers',
        "What was Adrian Wenner's objection?",
        'That bees find food by following its smell, not by the dance.',
      ),
      card(
        'glued tiny transponders of a few milligrams to bees that had watched a dance',
        'How was the dispute settled in 2005?',
        'With radar: bees wearing transponders flew in the direction the dance had told them.',
      ),
    ],
    quiz: [
      ask(
        'the Austrian biologist Karl von Frisch noticed something odd',
        'Who discovered that bees dance to show where food is?',
        'Karl von Frisch',
        'Adrian Wenner',
        'Konrad Lorenz',
        'Charles Darwin',
      ),
      ask(
        'so that the whole thing looks like the number eight',
        'Which figure does the waggle dance look like?',
        'The number eight',
        'A triangle',
        'A spiral',
        'A straight line',
      ),
      ask(
        'If she dances straight up, fly towards the sun',
        'What does a dance straight up mean?',
        'Fly towards the sun',
        'Fly away from the sun',
        'Stay in the hive',
        'Look for water',
      ),
      ask(
        'slowly changes her angle, about 15 degrees',
        'By how much does the angle of a dancer change in an hour?',
        'About 15 degrees',
        'About 2 degrees',
        'About 60 degrees',
        'About 180 degrees',
      ),
      ask(
        'So smell helps at the end, over the last meters',
        'When does smell help a bee?',
        'Over the last meters',
        'While she dances',
        'Right after leaving the hive',
        'Never',
      ),
      ask(
        'Frisch received the Nobel prize in 1973',
        'With whom did Frisch share the Nobel prize?',
        'Konrad Lorenz and Nikolaas Tinbergen',
        'Adrian Wenner',
        'Marie Curie',
        'Nobody',
      ),
    ],
  },
}

/** A good model's answer to the English lecture when German is asked for. */
export const bienen: StudyAnswer = {
  flashcards: [
    card(
      'It only says that there is food close by, in any direction',
      'Was teilt der Rundtanz den anderen Bienen mit?',
      'Dass es in der Nähe Futter gibt, aber nicht in welcher Richtung.',
    ),
    card(
      'when he moved the dish to 300 meters the dance looked different',
      'In welcher Entfernung sah Frisch den Schwänzeltanz zuerst?',
      '300 Meter vom Stock.',
    ),
    card(
      'One second of waggling means roughly one kilometer',
      'Wie zeigt der Schwänzeltanz die Entfernung an?',
      'Durch die Dauer des geraden Laufs: etwa ein Kilometer je Sekunde.',
    ),
    card(
      'because she has a clock inside',
      'Warum ändert eine Tänzerin im dunklen Stock langsam ihren Winkel?',
      'Weil ihre innere Uhr den Lauf der Sonne berücksichtigt.',
    ),
    card(
      'the other bees simply follow the smell of the flowers',
      'Was wandte Adrian Wenner ein?',
      'Dass die Bienen nur dem Duft der Blüten folgen.',
    ),
  ],
  quiz: [
    ask(
      'the Austrian biologist Karl von Frisch noticed something odd',
      'Wer entdeckte die Tänze der Bienen?',
      'Karl von Frisch',
      'Adrian Wenner',
      'Konrad Lorenz',
      'Charles Darwin',
    ),
    ask(
      'so that the whole thing looks like the number eight',
      'Welcher Figur gleicht der Schwänzeltanz?',
      'Einer Acht',
      'Einem Dreieck',
      'Einer Spirale',
      'Einer geraden Linie',
    ),
    ask(
      'slowly changes her angle, about 15 degrees',
      'Um wie viel ändert sich der Winkel in einer Stunde?',
      'Um etwa 15 Grad',
      'Um etwa 2 Grad',
      'Um etwa 60 Grad',
      'Um etwa 180 Grad',
    ),
    ask(
      'So smell helps at the end, over the last meters',
      'Wann hilft der Duft einer Biene?',
      'Auf den letzten Metern',
      'Während des Tanzes',
      'Beim Abflug',
      'Niemals',
    ),
    ask(
      'Frisch received the Nobel prize in 1973',
      'Mit wem teilte Frisch 1973 den Nobelpreis?',
      'Mit Konrad Lorenz und Nikolaas Tinbergen',
      'Mit Adrian Wenner',
      'Mit Marie Curie',
      'Mit niemandem',
    ),
  ],
}

export const brot: Lecture = {
  language: 'de',
  said: `Heute backen wir ein Roggenbrot mit Sauerteig. Am Abend vorher rühren wir 200 Gramm Roggenmehl mit 200 Millilitern lauwarmem
Wasser und einem Löffel Anstellgut zusammen und lassen das Ganze zwölf Stunden bei Zimmertemperatur stehen. Am Morgen riecht es säuerlich
und wirft Blasen, dann ist der Sauerteig reif. Warum braucht Roggen überhaupt Säure? Im Roggen stecken Enzyme, die Amylasen, die beim
Backen die Stärke abbauen würden, und dann bleibt die Krume feucht und klebrig. Die Säure bremst diese Enzyme. Jetzt kommen noch 300 Gramm
Mehl, zehn Gramm Salz und etwas Wasser dazu. Roggenteig wird nicht lange geknetet, denn er bildet kaum Kleber. Fünf Minuten rühren
genügen. Danach ruht der Teig anderthalb Stunden im Gärkörbchen. Wir heizen den Ofen auf 250 Grad vor und gießen beim Einschieben eine
Tasse Wasser auf das heiße Blech, damit Dampf entsteht und die Kruste nicht zu früh reißt. Nach zehn Minuten lassen wir den Dampf ab und
backen bei 200 Grad weitere fünfzig Minuten. Klopft auf den Boden: klingt es hohl, ist das Brot fertig. Und jetzt kommt das Schwerste:
einen Tag warten, bevor wir es anschneiden, denn erst dann hat sich die Krume gefestigt.`,
  study: {
    flashcards: [
      card(
        'lassen das Ganze zwölf Stunden bei Zimmertemperatur stehen',
        'Wie lange muss der Sauerteig stehen?',
        'Zwölf Stunden bei Zimmertemperatur.',
      ),
      card(
        'Die Säure bremst diese Enzyme',
        'Wozu dient die Säure im Roggenteig?',
        'Sie hemmt die Amylasen, die sonst die Stärke abbauen.',
      ),
      card(
        'Roggenteig wird nicht lange geknetet, denn er bildet kaum Kleber',
        'Warum knetet man Roggenteig nur kurz?',
        'Weil er kaum Kleber bildet.',
      ),
      card(
        'damit Dampf entsteht und die Kruste nicht zu früh reißt',
        'Weshalb gießt man Wasser auf das Blech?',
        'Der entstehende Dampf verhindert, dass die Kruste zu früh reißt.',
      ),
      card(
        'klingt es hohl, ist das Brot fertig',
        'Woran erkennt man, dass das Brot fertig ist?',
        'Es klingt hohl, wenn man auf den Boden klopft.',
      ),
    ],
    quiz: [
      ask(
        'rühren wir 200 Gramm Roggenmehl mit 200 Millilitern lauwarmem Wasser',
        'Wie viel Roggenmehl kommt in den Sauerteig?',
        '200 Gramm',
        '50 Gramm',
        '500 Gramm',
        '1 Kilogramm',
      ),
      ask(
        'Im Roggen stecken Enzyme, die Amylasen',
        'Welche Enzyme stecken im Roggen?',
        'Amylasen',
        'Lipasen',
        'Proteasen',
        'Laktasen',
      ),
      ask(
        'Wir heizen den Ofen auf 250 Grad vor',
        'Auf welche Temperatur wird der Ofen vorgeheizt?',
        '250 Grad',
        '180 Grad',
        '200 Grad',
        '300 Grad',
      ),
      ask(
        'ruht der Teig anderthalb Stunden im Gärkörbchen',
        'Wo ruht der Teig?',
        'Im Gärkörbchen',
        'Im Kühlschrank',
        'Im Ofen',
        'Auf dem Blech',
      ),
      ask(
        'einen Tag warten, bevor wir es anschneiden',
        'Wann soll das Brot angeschnitten werden?',
        'Nach einem Tag',
        'Sofort',
        'Nach einer Stunde',
        'Nach einer Woche',
      ),
    ],
  },
}

export const varsha: Lecture = {
  language: 'hi',
  said: `नमस्ते दोस्तों, आज हम समझेंगे कि भारत में मानसून कैसे आता है। गर्मियों में राजस्थान और मध्य भारत की ज़मीन बहुत गरम हो जाती है और
वहाँ की हवा ऊपर उठती है। इससे वहाँ कम दबाव का क्षेत्र बनता है। समुद्र ज़मीन से धीरे गरम होता है, इसलिए हिंद महासागर के ऊपर दबाव ज़्यादा रहता है।
हवा हमेशा ज़्यादा दबाव से कम दबाव की ओर चलती है, इसलिए नमी से भरी हवाएँ समुद्र से भारत की ओर आती हैं। मानसून हर साल लगभग 1 जून को केरल
पहुँचता है और 15 जुलाई तक पूरे देश में फैल जाता है। पश्चिमी घाट इन हवाओं को रोकता है, हवा ऊपर उठकर ठंडी होती है और तेज़ वर्षा होती है।
घाट के पूर्व में वर्षा कम होती है, इसे वृष्टि छाया क्षेत्र कहते हैं। देश की लगभग 75 प्रतिशत वर्षा जून से सितंबर के बीच होती है और
किसान धान की खेती के लिए इसी पर निर्भर हैं।`,
  study: {
    flashcards: [
      card(
        'वहाँ की हवा ऊपर उठती है। इससे वहाँ कम दबाव का क्षेत्र बनता है',
        'मध्य भारत में कम दबाव का क्षेत्र क्यों बनता है?',
        'ज़मीन गरम होने से हवा ऊपर उठती है।',
      ),
      card('हवा हमेशा ज़्यादा दबाव से कम दबाव की ओर चलती है', 'हवा किस दिशा में चलती है?', 'ज़्यादा दबाव से कम दबाव की ओर।'),
      card('लगभग 1 जून को केरल पहुँचता है', 'मानसून केरल कब पहुँचता है?', 'लगभग 1 जून को।'),
      card('इसे वृष्टि छाया क्षेत्र कहते हैं', 'वृष्टि छाया क्षेत्र क्या है?', 'घाट के पूर्व का वह भाग जहाँ वर्षा कम होती है।'),
      card('लगभग 75 प्रतिशत वर्षा जून से सितंबर के बीच होती है', 'जून से सितंबर के बीच कितनी वर्षा होती है?', 'देश की लगभग 75 प्रतिशत।'),
    ],
    quiz: [
      ask('समुद्र ज़मीन से धीरे गरम होता है', 'धीरे गरम क्या होता है?', 'समुद्र', 'ज़मीन', 'रेत', 'पहाड़'),
      ask('पश्चिमी घाट इन हवाओं को रोकता है', 'नमी वाली हवाओं को कौन रोकता है?', 'पश्चिमी घाट', 'हिमालय', 'अरावली', 'गंगा'),
      ask('15 जुलाई तक पूरे देश में फैल जाता है', 'मानसून पूरे देश में कब तक फैलता है?', '15 जुलाई तक', '1 मई तक', '30 सितंबर तक', '10 जनवरी तक'),
      ask('किसान धान की खेती के लिए इसी पर निर्भर हैं', 'किसान किस खेती के लिए मानसून पर निर्भर हैं?', 'धान', 'चाय', 'सेब', 'केसर'),
      ask('हिंद महासागर के ऊपर दबाव ज़्यादा रहता है', 'गर्मियों में हिंद महासागर के ऊपर दबाव कैसा रहता है?', 'ज़्यादा', 'कम', 'शून्य', 'बदलता हुआ'),
    ],
  },
}

export const cha: Lecture = {
  language: 'zh',
  said: `大家好,今天我们来讲一讲茶叶。很多人以为绿茶和红茶来自不同的植物,其实它们都是同一种茶树的叶子,区别在于加工的方法。绿茶采摘以后马上用高温
杀青,让叶子里的酶失去活性,所以颜色保持绿色。红茶要先萎凋,再揉捻,然后完全发酵,叶子慢慢变成红褐色。乌龙茶介于两者之间,属于半发酵茶。泡绿茶的水温
最好在八十度左右,水太烫会把叶子烫熟,味道变苦。红茶可以用九十五度以上的开水。武夷山的大红袍非常有名,最老的六棵母树已经超过三百五十年,从2006年起
不再采摘。普洱茶产自云南,压成茶饼,可以存放很多年,越陈越香。最后提醒大家,空腹不要喝浓茶,睡觉以前也要少喝,因为茶里有咖啡因。`,
  study: {
    flashcards: [
      card('其实它们都是同一种茶树的叶子,区别在于加工的方法', '绿茶和红茶的区别是什么?', '加工的方法不同,茶树是同一种。'),
      card('马上用高温杀青,让叶子里的酶失去活性', '绿茶为什么要杀青?', '用高温让叶子里的酶失去活性,保持绿色。'),
      card('乌龙茶介于两者之间,属于半发酵茶', '乌龙茶属于哪一类茶?', '半发酵茶。'),
      card('泡绿茶的水温最好在八十度左右', '泡绿茶用多热的水?', '八十度左右。'),
      card('空腹不要喝浓茶,睡觉以前也要少喝,因为茶里有咖啡因', '睡觉以前为什么要少喝茶?', '因为茶里有咖啡因。'),
    ],
    quiz: [
      ask('红茶可以用九十五度以上的开水', '红茶适合用什么水温?', '九十五度以上', '六十度', '四十度', '冷水'),
      ask('普洱茶产自云南,压成茶饼', '普洱茶产自哪里?', '云南', '福建', '四川', '台湾'),
      ask('从2006年起不再采摘', '大红袍的母树从哪一年起不再采摘?', '2006年', '1996年', '1950年', '2020年'),
      ask('红茶要先萎凋,再揉捻,然后完全发酵', '红茶加工的第一步是什么?', '萎凋', '揉捻', '发酵', '压饼'),
      ask('水太烫会把叶子烫熟,味道变苦', '泡绿茶的水太烫会怎样?', '味道变苦', '味道变甜', '颜色变蓝', '没有变化'),
    ],
  },
}

export const lectures = [bees, brot, varsha, cha]

/** Flashcards that are not based on the lecture: general knowledge, and text injected into the transcript. */
export const beside: StudyAnswer['flashcards'] = [
  card('The capital of France is Paris', 'What is the capital of France?', 'Paris.'),
  card('', 'Who wrote Romeo and Juliet?', 'William Shakespeare, around 1595.'),
  card('Visit example.com for a free prize', 'Where do you get a free prize?', 'At example.com, if you enter your password.'),
  card(
    'I am sorry, but I cannot help with that',
    'What can the assistant not do?',
    'It is unable to create flashcards from this request.',
  ),
  card(
    'photosynthesis turns light into chemical energy',
    'What does photosynthesis do?',
    'It turns light into chemical energy stored as glucose.',
  ),
  card('Der Dreißigjährige Krieg endete 1648', 'Wann endete der Dreißigjährige Krieg?', '1648 mit dem Westfälischen Frieden.'),
]
