"""What patients write in Spanish and what it must do.

A missed stop and a missed red flag are worse than a false one. What is unclear goes to staff.
"""

from __future__ import annotations

from tests.replies.table import group
from worker.rules.replies import Meaning

TABLE = [
    group(
        "A stop in one word",
        Meaning.STOP,
        "ALTO", "alto", "BASTA", "¡Basta!", "baja", "BAJA", "Basta ya", "cancelar", "Paren",
        "detener", "salir", "Stop", "STOP por favor", "Stop gracias", "alto por favor",
        "Hola, baja por favor", "¡¡ALTOOO!!", "ALTO 😡", "Basta. Ya se lo dije.",
    ),
    group(
        "Asking for it in any words",
        Meaning.STOP,
        "no más mensajes", "no mas mensajes", "No más SMS porfa", "dejen de escribirme",
        "deja de mandarme mensajes", "por favor dejen de enviarme mensajes",
        "no me escriban más", "no me escribas", "No quiero más mensajes",
        "no quiero recibir mensajes", "ya no quiero recibir más mensajes",
        "quiero darme de baja", "dame de baja", "Por favor, denme de baja",
        "bórrenme de la lista", "quítenme de su lista", "borra mi número", "déjenme en paz",
        "dejadme en paz", "No me manden nada", "no me envíen más mensajes",
        "cancelar suscripción", "No vuelvan a escribirme", "por favor paren",
        "basta de mensajes", "¿Cómo me doy de baja?", "No quiero que me escriban",
        "no kiero mas mensajes", "desuscribirme", "no me contacten",
        "voy a bloquear este número", "no mas msjs", "no quiero mas mensages",
    ),
    group(
        "What only looks like a stop goes to staff",
        Meaning.STAFF,
        "no pares", "no paren", "¡No dejen de escribirme!", "no dejes de mandarme consejos",
        "¿cuándo dejo de usar la crema?", "¿dejo de usar el retinol?",
        "¿puedo cancelar mi cita?", "quiero cancelar la cita del viernes",
        "estoy de baja esta semana", "no quiero darme de baja", "Voy para la clínica",
        "mi hijo es alto", "no quiero perderme los mensajes", "el fin de semana mejor",
        "¿la crema es para la noche?", "no puedo parar de sonreír",
    ),
    group("Start", Meaning.START, "INICIAR", "alta", "Reanudar", "iniciar por favor"),
    group(
        "A yes or a no may answer a question",
        Meaning.STAFF,
        "si", "Sí", "sí gracias", "no", "No, gracias", "vale", "ok gracias",
    ),
    group(
        "Help, asked for by its keyword",
        Meaning.HELP,
        "AYUDA", "¿Ayuda?", "información", "info por favor",
    ),
    group(
        "Anything about the care is for a person",
        Meaning.STAFF,
        "necesito ayuda con la crema", "muchas gracias 😊", "¿Cuándo es mi próxima cita?",
        "¿puedo hacer deporte mañana?", "tengo la piel un poco roja",
        "¿es normal que se pele la piel?", "¿quién es?", "se equivocó de número",
        "me encanta como me ha quedado", "un poco de tirantez", "¿puedo ponerme maquillaje?",
        "me siento muy bien", "cada vez más contenta",
    ),
    group(
        "Red flags",
        Meaning.RED_FLAG,
        "me está sangrando", "SANGRA MUCHO", "me sale pus", "está supurando", "tengo fiebre",
        "tengo 39 de fiebre", "fiebre de 38,5", "tengo escalofríos", "me han salido ampollas",
        "me salió un herpes", "la rojez se extiende", "está cada vez más rojo",
        "está empeorando", "estoy peor", "me duele mucho", "me duele muchísimo la cara",
        "tengo mucho dolor", "el dolor es insoportable", "está muy hinchado",
        "tengo los ojos hinchados", "mi cara está muy caliente", "creo que está infectado",
        "tengo una infección", "me han salido unos bultos", "tengo un sarpullido",
        "la piel se ha puesto oscura", "manchas oscuras en la frente", "huele mal",
        "me sale un líquido amarillo", "no mejora", "sigue roja después de dos semanas",
        "ronchas por todas partes", "me siento muy mal",
    ),
    group(
        "A question about a symptom counts as the symptom",
        Meaning.RED_FLAG,
        "¿es normal tener fiebre?", "¿Es normal que sangre?", "no sé si es normal que salga pus",
        "¿qué hago si me sale una ampolla?", "¿La hinchazón es normal?",
    ),
    group(
        "Symptoms with typing errors, stretched letters and emoji",
        Meaning.RED_FLAG,
        "tengo fievre", "FIEBREEEE", "esta inchado", "me salieron anpollas", "me esta zangrando",
        "ayuda 😭 fiebre", "tengo feibre",
    ),
    group(
        "Emergencies: trouble breathing and the like",
        Meaning.RED_FLAG,
        "no puedo respirar", "No puedo respirar bien", "me cuesta respirar", "me falta el aire",
        "me ahogo", "se me hincha la lengua", "tengo la garganta hinchada",
        "se me cierra la garganta", "se me hincha la cara", "dolor en el pecho",
        "me duele el pecho", "me desmayé", "dificultad para respirar", "no no puedo respirar",
        "llamen una ambulancia",
        emergency=True,
    ),
    group(
        "A denied symptom is none",
        Meaning.STAFF,
        "sin fiebre", "no tengo fiebre", "no tengo fiebre ni pus", "ninguna ampolla",
        "No hay pus", "ya no sangra", "no me ha salido ninguna ampolla", "no he tenido fiebre",
        "nada de fiebre, todo bien", "Sin fiebre ni dolor fuerte", "no está hinchado",
        "no me cuesta respirar", "dejó de sangrar", "ni fiebre ni pus", "no se me ha hinchado",
        "tampoco tengo fiebre", "no tengo fiebre, pus ni ampollas",
    ),
    group(
        "A symptom that has passed is none",
        Meaning.STAFF,
        "la hinchazón ha bajado", "la fiebre ya se me pasó", "se me ha pasado la fiebre",
        "la hinchazón está mucho mejor",
    ),
    group(
        "A negation does not reach another thought",
        Meaning.RED_FLAG,
        "no tengo fiebre pero me sale pus", "No, tengo fiebre", "no se tengo fiebre",
        "no puedo dormir tengo fiebre", "no me encuentro bien tengo fiebre",
        "no me siento nada bien tengo fiebre", "sin fiebre aunque sangra",
        "no hay fiebre. Hay pus", "no sé por qué sangra",
    ),
    group(
        "A negation that is the symptom",
        Meaning.RED_FLAG,
        "no deja de sangrar", "no para de sangrar", "no se me quita la fiebre",
        "la hinchazón no baja", "no se me ha pasado la fiebre", "la rojez no desaparece",
        "no ha dejado de sangrar", "no se cura",
    ),
    group(
        "A red flag in a stop is both",
        Meaning.RED_FLAG,
        "Basta. Me está sangrando", "no me escriban más, tengo fiebre por su culpa",
        also_stop=True,
    ),
    group(
        "Words inside other words, and words that mean something else",
        Meaning.STAFF,
        "me muero de ganas de volver", "fiebre del heno", "tengo un análisis de sangre mañana",
        "pensé que iba a ser peor", "¿puedo ducharme con agua caliente?", "puse la crema",
    ),
]  # fmt: skip
