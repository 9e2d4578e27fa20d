/** The most common function words of languages in Latin letters. They identify a language and carry no content. Without accents. */
export const STOP_WORDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    en: 'the of and to in is that it was for on are with as they be at this have from or had by not but what all were when we there can an your which their if do will each about how up out them then she many some so these would other into has more her two him see could no than been who its now did get made may after why does because between where while also such only used',
    de: 'der die das und ist von den mit sich des auf fur nicht ein eine einer einem einen als auch dem es an werden aus er hat dass sie nach wird bei noch wie einer uber so zum war haben nur oder aber vor zur bis mehr durch man wenn was welche welcher welches warum wer wo wann im zu ich wir ihr kann sind',
    es: 'de la que el en y los del se las por un para con no una su al lo como mas pero sus le ya o este si porque esta entre cuando muy sin sobre tambien hasta hay donde quien desde todo nos durante todos uno les ni contra otros ese eso ante ellos e esto cual que son fue ser es era',
    fr: 'de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la avec ont mais comme ou si leur y dont aux cette ces sa son elle nous vous je fait etre tout quelle quel quels pourquoi quoi quand ses etait',
    pt: 'de a o que e do da em um para com nao uma os no se na por mais as dos como mas ao ele das seu sua ou quando muito nos ja eu tambem so pelo pela ate isso ela entre depois sem mesmo aos seus quem nas me esse eles qual foi sao ser porque',
    it: 'di e il la che in un a per una sono con non si da come le dei nel alla piu della del i gli al lo ma ha anche o se questo questa quando cosa quale perche delle dal era nella ai su degli essere chi dove',
    nl: 'de van een het en in is dat op te zijn met voor niet die aan er om ook als dan maar bij of uit nog worden door naar heeft hebben ze tot je mijn deze waarom wat wie hoe wanneer welke over wordt werd kan geen was',
    sv: 'och i att det som en pa ar av for med den till inte har de ett om han men var jag sig fran vi sa kan nar efter upp under hur vad vilken varfor eller hon dar ut skulle',
    pl: 'i w na z do nie sie to jest ze o jak po od przez co za dla ale czy tak jego juz lub tym ktory ktora ktore oraz gdy tylko byl byla jakie jaki dlaczego kiedy sa',
    tr: 've bir bu da de icin ile olarak daha cok gibi olan ne kadar en ama var mi sonra degil her hangi nedir neden nasil o ise ya',
    id: 'yang dan di dari untuk dengan pada adalah ini itu dalam tidak akan oleh ke atau juga karena bisa apa mengapa bagaimana kapan saya kita mereka dapat lebih telah sebagai',
    ro: 'de si in la a cu pe din nu este sa ca un o ce care mai pentru sau dar prin se sunt a fost cum cand unde despre dupa al ai ale',
  }).map(([language, words]) => [language, new Set(words.split(' '))]),
)

/** Question words, and words about a video rather than from it. */
const FRAME = new Set(
  'video speaker transcript mentioned according described said says true false following question answer called name mean means'.split(
    ' ',
  ),
)

const ALL = new Set([...[...STOP_WORDS.values()].flatMap((words) => [...words]), ...FRAME])

/**
 * @param word as returned by `wordsOf`
 */
export const isStopWord = (word: string): boolean => ALL.has(word)
